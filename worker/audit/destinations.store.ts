import { and, asc, eq } from 'drizzle-orm';
import { destinationConfig, type DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { siemDestinations as table } from './tables.ts';

type Row = typeof table.$inferSelect;
type State = Row['state'];

export interface StoredDestination extends Omit<Row, 'tenantId' | 'config'> {
  config: DestinationConfig;
}

export const secretAddress = (id: string): SecretAddress => ({ table: 'siem_destinations', column: 'secret', row: id });

/**
 * The keys that sign now: the secret holds the present one and, after a space, the one before it, which counts until the
 * rotation ends.
 */
export function signingKeys({ rotatesUntil }: Pick<StoredDestination, 'rotatesUntil'>, secret: string, now: Date): string[] {
  const [current = '', former] = secret.split(' ');
  return former !== undefined && rotatesUntil !== null && now.toISOString() < rotatesUntil ? [current, former] : [current];
}

const stored = ({ tenantId: _, config, ...row }: Row): StoredDestination => ({
  ...row,
  config: destinationConfig.parse(JSON.parse(config)),
});

export async function listDestinations({ orm, tenantId }: TenantDb): Promise<StoredDestination[]> {
  return (await orm.select().from(table).where(eq(table.tenantId, tenantId)).orderBy(asc(table.id))).map(stored);
}

export async function findDestination({ orm, tenantId }: TenantDb, id: string): Promise<StoredDestination | null> {
  const [row] = await orm
    .select()
    .from(table)
    .where(and(eq(table.tenantId, tenantId), eq(table.id, id)));
  return row ? stored(row) : null;
}

/** Adds one, unless the tenant has as many as it may. */
export const insertDestination = ({ tenantId }: TenantDb, made: StoredDestination): Statement =>
  statement(
    `INSERT INTO siem_destinations (tenant_id, id, name, config, filter, format, secret, public_key, state, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE (SELECT count(*) FROM siem_destinations WHERE tenant_id = ?1) < ?11`,
    ...[tenantId, made.id, made.name, JSON.stringify(made.config), made.filter, made.format, made.secret, made.publicKey, made.state],
    made.createdAt,
    QUOTAS.destinations,
  );

/** Changes it, if it is still what was read: so the event's diff is true. */
export const updateDestination = ({ tenantId }: TenantDb, before: StoredDestination, after: StoredDestination): Statement =>
  statement(
    `UPDATE siem_destinations SET name = ?, config = ?, filter = ?, format = ?, secret = ?, public_key = ?, rotates_until = ?
     WHERE tenant_id = ? AND id = ? AND name = ? AND config = ? AND filter = ? AND format = ? AND secret = ?`,
    ...[after.name, JSON.stringify(after.config), after.filter, after.format, after.secret, after.publicKey, after.rotatesUntil],
    ...[tenantId, before.id, before.name, JSON.stringify(before.config), before.filter, before.format, before.secret],
  );

/** Goes from one of the named states to another; matches nothing otherwise. */
export const moveDestination = ({ tenantId }: TenantDb, id: string, from: readonly State[], to: State): Statement =>
  statement(
    'UPDATE siem_destinations SET state = ? WHERE tenant_id = ? AND id = ? AND state IN (SELECT value FROM json_each(?))',
    to,
    tenantId,
    id,
    JSON.stringify(from),
  );

/** Says which replay runs: one at a time. Null: none any more. */
export const changeReplay = ({ tenantId }: TenantDb, id: string, before: string | null, after: string | null): Statement =>
  statement('UPDATE siem_destinations SET replay = ? WHERE tenant_id = ? AND id = ? AND replay IS ?', after, tenantId, id, before);

export const deleteDestination = ({ tenantId }: TenantDb, id: string): Statement =>
  statement('DELETE FROM siem_destinations WHERE tenant_id = ? AND id = ?', tenantId, id);

/** The organisation's name, as formats show it. */
export const tenantName = async (db: TenantDb): Promise<string> =>
  (await db.first<{ name: string }>('SELECT name FROM tenants WHERE tenant_id = ?', db.tenantId))?.name ?? '';
