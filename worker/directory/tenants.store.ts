import type { Services } from '../platform/context.ts';

/** A tenant as the directory knows it: where it lives. */
export interface TenantPlace {
  id: string;
  slug: string;
  name: string;
  region: 'auto' | 'eu';
  shard: string;
  state: 'reserved' | 'active' | 'suspended';
  created_at: string;
}

const COLUMNS = 'id, slug, name, region, shard, state, created_at';

/** @throws a D1 error `UNIQUE constraint failed: tenants.slug` when the slug is taken */
export async function insertReserved(directory: D1Database, place: TenantPlace): Promise<void> {
  await directory
    .prepare(`INSERT INTO tenants (${COLUMNS}) VALUES (?, ?, ?, ?, ?, 'reserved', ?)`)
    .bind(place.id, place.slug, place.name, place.region, place.shard, place.created_at)
    .run();
}

/** Also for a place that the sweep freed in the meantime. */
export async function upsertActive(directory: D1Database, place: TenantPlace): Promise<void> {
  await directory
    .prepare(`INSERT INTO tenants (${COLUMNS}) VALUES (?, ?, ?, ?, ?, 'active', ?) ON CONFLICT (id) DO UPDATE SET state = 'active'`)
    .bind(place.id, place.slug, place.name, place.region, place.shard, place.created_at)
    .run();
}

export async function deleteReserved(directory: D1Database, id: string): Promise<void> {
  await directory.prepare("DELETE FROM tenants WHERE id = ? AND state = 'reserved'").bind(id).run();
}

export async function updatePlace(
  directory: D1Database,
  id: string,
  change: { state?: 'active' | 'suspended'; name?: string },
): Promise<void> {
  await directory
    .prepare('UPDATE tenants SET state = coalesce(?2, state), name = coalesce(?3, name) WHERE id = ?1')
    .bind(id, change.state ?? null, change.name ?? null)
    .run();
}

export const placeBySlug = (directory: D1Database, slug: string): Promise<TenantPlace | null> =>
  directory.prepare(`SELECT ${COLUMNS} FROM tenants WHERE slug = ? AND state <> 'reserved'`).bind(slug).first<TenantPlace>();

export const placeById = (directory: D1Database, id: string): Promise<TenantPlace | null> =>
  directory.prepare(`SELECT ${COLUMNS} FROM tenants WHERE id = ? AND state <> 'reserved'`).bind(id).first<TenantPlace>();

export async function places(directory: D1Database, page: { limit: number; after: string }): Promise<TenantPlace[]> {
  const query = directory.prepare(`SELECT ${COLUMNS} FROM tenants WHERE id > ? ORDER BY id LIMIT ?`).bind(page.after, page.limit + 1);
  return (await query.all<TenantPlace>()).results;
}

export async function reservedBefore(directory: D1Database, before: string, limit: number): Promise<TenantPlace[]> {
  const query = directory.prepare(`SELECT ${COLUMNS} FROM tenants WHERE state = 'reserved' AND created_at < ? ORDER BY id LIMIT ?`);
  return (await query.bind(before, limit).all<TenantPlace>()).results;
}

/** A slug that a sign-up took before that moment and has not finished with. */
export const reservedSlug = (directory: D1Database, slug: string, before: string): Promise<TenantPlace | null> =>
  directory
    .prepare(`SELECT ${COLUMNS} FROM tenants WHERE slug = ? AND state = 'reserved' AND created_at < ?`)
    .bind(slug, before)
    .first<TenantPlace>();

/** The tenants of a shard whose two states differ: an order of the operator that got only half way. */
export async function halfOrdered({ directory, shards }: Pick<Services, 'directory' | 'shards'>, shard: string): Promise<TenantPlace[]> {
  const suspendedHere = shards.get(shard)?.prepare("SELECT tenant_id FROM tenants WHERE state = 'suspended'");
  const effective = ((await suspendedHere?.all<{ tenant_id: string }>())?.results ?? []).map((row) => row.tenant_id);
  const query = directory.prepare(
    `SELECT ${COLUMNS} FROM tenants WHERE shard = ?1 AND
       ((state = 'suspended' AND id NOT IN (SELECT value FROM json_each(?2))) OR (state = 'active' AND id IN (SELECT value FROM json_each(?2))))`,
  );
  return (await query.bind(shard, JSON.stringify(effective)).all<TenantPlace>()).results;
}
