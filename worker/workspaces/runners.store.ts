import { z } from 'zod';
import { SANDBOX_DRIVERS } from '@gatehouse/core/api/templates.ts';
import { runner as runnerSchema, type Runner } from '@gatehouse/core/api/runners.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { PLACES, WAITING } from './queue.store.ts';

const parsedJson = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text) => JSON.parse(text) as unknown)
    .pipe(schema);

const row = z.object({
  id: z.string(),
  name: z.string(),
  identity_key: z.string(),
  agreement_key: z.string(),
  fingerprint: z.string(),
  version: z.string(),
  platform: z.string(),
  labels: parsedJson(z.record(z.string(), z.string())),
  drivers: parsedJson(z.array(z.enum(SANDBOX_DRIVERS))),
  /** null: of a release that did not say, as of `understands` */
  enforces: parsedJson(z.array(z.string())).nullable(),
  understands: parsedJson(z.array(z.string())).nullable(),
  warnings: parsedJson(z.array(z.string())),
  load: parsedJson(runnerSchema.shape.load).nullable(),
  online: z.number(),
  created_at: z.string(),
  last_seen_at: z.string().nullable(),
  confirmed_at: z.string().nullable(),
  workspaces: z.number(),
  /** null: as many as there are */
  capacity: z.number().nullable(),
  places: z.number(),
  waiting: z.number(),
  drain_since: z.string().nullable(),
  drain_until: z.string().nullable(),
  drain_total: z.number().nullable(),
  revoked_at: z.string().nullable(),
  keys_since: z.string().nullable(),
});
export type RunnerRow = z.infer<typeof row>;

const SELECT = `SELECT r.id, r.name, r.identity_key, r.agreement_key, r.fingerprint, r.version, r.platform, r.labels, r.drivers, r.enforces, r.understands, r.warnings,
  r.load, r.online, r.created_at, r.last_seen_at, r.confirmed_at, r.capacity, r.drain_since, r.drain_until, r.drain_total, r.revoked_at, r.keys_since,
  ${PLACES} AS places, ${WAITING} AS waiting,
  (SELECT count(*) FROM workspaces w WHERE w.tenant_id = ?1 AND w.runner_id = r.id AND w.phase <> 'deleted') AS workspaces
  FROM runners r WHERE r.tenant_id = ?1 AND r.deleted_at IS NULL`;

export async function findRunners(db: TenantDb, page: { limit: number; after: string | null }): Promise<RunnerRow[]> {
  const rows = await db.rows(`${SELECT} AND (?2 IS NULL OR r.name > ?2) ORDER BY r.name LIMIT ?3`, db.tenantId, page.after, page.limit + 1);
  return rows.map((each) => row.parse(each));
}

export async function findRunner(db: TenantDb, id: string): Promise<RunnerRow | undefined> {
  const found = await db.first(`${SELECT} AND r.id = ?2`, db.tenantId, id);
  return found === undefined ? undefined : row.parse(found);
}

/** The runner that holds this token, with its tenant, if neither is removed or suspended. */
export async function findRunnerByToken(db: TenantDb, tokenHash: string) {
  const found = await db.first(
    `SELECT r.id, r.name, r.identity_key, r.confirmed_at, t.slug, t.name AS tenant_name, t.region, t.created_at AS tenant_created_at
     FROM runners r JOIN tenants t ON t.tenant_id = r.tenant_id
     WHERE r.tenant_id = ? AND r.token_hash = ? AND r.deleted_at IS NULL AND r.revoked_at IS NULL AND t.state = 'active'`,
    db.tenantId,
    tokenHash,
  );
  return found === undefined ? undefined : tokenRow.parse(found);
}
/** A runner that was removed or revoked and still has its token. */
export const findRemovedRunner = (db: TenantDb, tokenHash: string) =>
  db.first<{ id: string; name: string; removed: number }>(
    'SELECT id, name, deleted_at IS NOT NULL AS removed FROM runners WHERE tenant_id = ? AND token_hash = ? AND coalesce(deleted_at, revoked_at) IS NOT NULL',
    db.tenantId,
    tokenHash,
  );

const tokenRow = z.object({
  id: z.string(),
  name: z.string(),
  identity_key: z.string(),
  confirmed_at: z.string().nullable(),
  slug: z.string(),
  tenant_name: z.string(),
  region: z.enum(['auto', 'eu']),
  tenant_created_at: z.string(),
});

/**
 * Where a new workspace goes: confirmed, connected, not being emptied, offers the driver, enforces and understands those fields, has
 * those labels and the most free places. Where all are full, the one with the shortest line.
 */
export async function findFreeRunner(
  db: TenantDb,
  wanted: {
    driver: string;
    runnerId: string | null;
    enforces: readonly string[];
    understands: readonly string[];
    labels: Record<string, string>;
    /** not that one */
    but: string | null;
  },
): Promise<RunnerRow | undefined> {
  const found = await db.first(
    `${SELECT} AND r.confirmed_at IS NOT NULL AND r.online = 1 AND r.drain_since IS NULL AND r.revoked_at IS NULL AND (?2 IS NULL OR r.id = ?2) AND r.id IS NOT ?7
     AND EXISTS (SELECT 1 FROM json_each(r.drivers) WHERE value = ?3)
     AND NOT EXISTS (SELECT 1 FROM json_each(?4) AS field WHERE field.value NOT IN (SELECT value FROM json_each(coalesce(r.enforces, '[]'))))
     AND NOT EXISTS (SELECT 1 FROM json_each(?5) AS field WHERE field.value NOT IN (SELECT value FROM json_each(coalesce(r.understands, '[]'))))
     AND NOT EXISTS (SELECT 1 FROM json_each(?6) AS label
       WHERE NOT EXISTS (SELECT 1 FROM json_each(r.labels) AS has WHERE has.key = label.key AND has.value = label.value))
     ORDER BY coalesce(r.capacity - places - waiting, 1e9) DESC, workspaces, r.name LIMIT 1`,
    db.tenantId,
    wanted.runnerId,
    wanted.driver,
    JSON.stringify(wanted.enforces),
    JSON.stringify(wanted.understands),
    JSON.stringify(wanted.labels),
    wanted.but,
  );
  return found === undefined ? undefined : row.parse(found);
}

function stateOf(each: RunnerRow): Runner['state'] {
  if (each.revoked_at !== null) return 'revoked';
  if (each.confirmed_at === null) return 'unconfirmed';
  return each.online === 1 ? 'online' : 'offline';
}

export function presentRunner(each: RunnerRow): Runner {
  return {
    id: each.id,
    name: each.name,
    state: stateOf(each),
    fingerprint: each.fingerprint,
    version: each.version,
    platform: each.platform,
    labels: each.labels,
    drivers: each.drivers,
    warnings: each.warnings,
    workspaces: each.workspaces,
    load: each.load,
    capacity: each.capacity,
    used: each.places,
    waiting: each.waiting,
    drain:
      each.drain_since === null
        ? null
        : { since: each.drain_since, until: each.drain_until, total: Math.max(each.drain_total ?? 0, each.places), left: each.places },
    revokedAt: each.revoked_at,
    keysSince: each.keys_since ?? each.created_at,
    createdAt: each.created_at,
    lastSeenAt: each.last_seen_at,
  };
}
