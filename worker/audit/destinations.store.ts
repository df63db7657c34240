import { and, asc, eq } from 'drizzle-orm';
import { destinationConfig, type DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { siemDestinations as table } from './tables.ts';

type State = typeof table.$inferSelect.state;

export interface StoredDestination {
  id: string;
  name: string;
  config: DestinationConfig;
  /** sealed */
  secret: string;
  state: State;
  createdAt: string;
}

export const secretAddress = (id: string): SecretAddress => ({ table: 'siem_destinations', column: 'secret', row: id });

type Row = typeof table.$inferSelect;
const stored = ({ id, name, config, secret, state, createdAt }: Row): StoredDestination => ({
  id,
  name,
  config: destinationConfig.parse(JSON.parse(config)),
  secret,
  state,
  createdAt,
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
export const insertDestination = ({ tenantId }: TenantDb, { id, name, config, secret, state, createdAt }: StoredDestination): Statement =>
  statement(
    `INSERT INTO siem_destinations (tenant_id, id, name, config, secret, state, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM siem_destinations WHERE tenant_id = ?1) < ?8`,
    tenantId,
    id,
    name,
    JSON.stringify(config),
    secret,
    state,
    createdAt,
    QUOTAS.destinations,
  );

/** Changes it, if it is still what was read: so the event's diff is true. */
export const updateDestination = ({ tenantId }: TenantDb, before: StoredDestination, after: StoredDestination): Statement =>
  statement(
    `UPDATE siem_destinations SET name = ?, config = ?, secret = ?
     WHERE tenant_id = ? AND id = ? AND name = ? AND config = ? AND secret = ?`,
    after.name,
    JSON.stringify(after.config),
    after.secret,
    tenantId,
    before.id,
    before.name,
    JSON.stringify(before.config),
    before.secret,
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

export const deleteDestination = ({ tenantId }: TenantDb, id: string): Statement =>
  statement('DELETE FROM siem_destinations WHERE tenant_id = ? AND id = ?', tenantId, id);
