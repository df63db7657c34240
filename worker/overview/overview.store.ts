import { UNDERSTOOD } from '@gatehouse/core/api/template-needs.ts';
import { MOST_COUNTED, type Figure, type Overview, type SetupStep } from '@gatehouse/core/api/overview.ts';
import { hasSecondOwner } from '../directory/owners.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export interface ActiveDay {
  day: string;
  people: number;
  seen_last: number;
}

export const activeDaysQuery = (db: TenantDb, since: string): Statement =>
  statement('SELECT day, people, seen_last FROM active_days WHERE tenant_id = ? AND day >= ?', db.tenantId, since);

/** Days with somebody active, from that day (UTC) on. */
export async function activeDays(db: TenantDb, since: string): Promise<ActiveDay[]> {
  const [found] = await db.batch([activeDaysQuery(db, since)]);
  return (found?.rows ?? []) as unknown as ActiveDay[];
}

/** Both walk indexes that hold only what is live, and stop at the bound. */
export const workQueries = (db: TenantDb): Statement[] => [
  statement(
    `SELECT count(*) AS connections, count(DISTINCT user_id) AS connected FROM
       (SELECT user_id FROM connections WHERE tenant_id = ?1 AND ended_at IS NULL LIMIT ?2)`,
    ...[db.tenantId, MOST_COUNTED + 1],
  ),
  statement(
    `SELECT count(*) AS running FROM
       (SELECT 1 FROM workspaces WHERE tenant_id = ?1 AND desired = 'running' AND phase = 'running' LIMIT ?2)`,
    ...[db.tenantId, MOST_COUNTED + 1],
  ),
];

export async function countWork(db: TenantDb): Promise<NonNullable<Overview['work']>> {
  const [open, running] = await db.batch(workQueries(db));
  const { connections = 0, connected = 0 } = (open?.rows[0] ?? {}) as Record<string, number>;
  const more = connections > MOST_COUNTED;
  return {
    connections: figureOf(connections),
    connected: { count: Math.min(connected, MOST_COUNTED), more },
    running: figureOf(Number(running?.rows[0]?.['running'] ?? 0)),
  };
}

const figureOf = (count: number): Figure => ({ count: Math.min(count, MOST_COUNTED), more: count > MOST_COUNTED });

export const runnersQuery = (db: TenantDb): Statement =>
  statement(
    `SELECT total(confirmed_at IS NOT NULL AND online = 1) AS online, total(confirmed_at IS NOT NULL AND online = 0) AS offline,
       total(confirmed_at IS NULL) AS unconfirmed,
       total(confirmed_at IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(?2) AS field
         WHERE field.value NOT IN (SELECT value FROM json_each(coalesce(understands, '[]'))))) AS old
     FROM runners WHERE tenant_id = ?1 AND deleted_at IS NULL`,
    ...[db.tenantId, JSON.stringify(UNDERSTOOD)],
  );

export async function countRunners(db: TenantDb): Promise<NonNullable<Overview['runners']>> {
  const [found] = await db.batch([runnersQuery(db)]);
  return found?.rows[0] as unknown as NonNullable<Overview['runners']>;
}

export const stepsQuery = (db: TenantDb): Statement =>
  statement(
    `SELECT (SELECT two_factors_required FROM tenants WHERE tenant_id = ?1) AS "second-factor",
       EXISTS (SELECT 1 FROM runners WHERE tenant_id = ?1 AND deleted_at IS NULL AND confirmed_at IS NOT NULL) AS runner,
       EXISTS (SELECT 1 FROM templates WHERE tenant_id = ?1 AND deleted_at IS NULL) AS template,
       EXISTS (SELECT 1 FROM siem_destinations WHERE tenant_id = ?1) AS siem`,
    db.tenantId,
  );

/** Which of the steps were done. */
export async function stepsDone(db: TenantDb): Promise<Record<SetupStep, boolean>> {
  const [found, owners] = await db.batch([stepsQuery(db), hasSecondOwner(db)]);
  const row = found?.rows[0] ?? {};
  const isDone = (step: SetupStep) => row[step] === 1;
  return {
    'second-owner': owners?.rows[0]?.['found'] === 1,
    'second-factor': isDone('second-factor'),
    runner: isDone('runner'),
    template: isDone('template'),
    siem: isDone('siem'),
  };
}
