import { z } from 'zod';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import { storeNamed } from './snapshot-stores.ts';
import { removeHome, removeSnapshots } from './snapshots.store.ts';

/** Of one shard at once; the rest follows. */
const WORKSPACES_AT_ONCE = 50;
const OBJECTS_AT_ONCE = 200;

const SYSTEM = { type: 'system', name: 'Gatehouse' } as const;
const gone = z.object({ tenant_id: z.string(), workspace_id: z.string(), name: z.string(), ids: z.string() });
const purge = z.object({ tenant_id: z.string(), store_id: z.string(), object_key: z.string() });

/** Workspaces that are deleted for good and still have a key or snapshots. */
const GONE = `SELECT h.tenant_id, h.workspace_id, w.name,
    (SELECT json_group_array(s.id) FROM snapshots s WHERE s.tenant_id = h.tenant_id AND s.workspace_id = h.workspace_id) AS ids
  FROM snapshot_homes h JOIN workspaces w ON w.tenant_id = h.tenant_id AND w.id = h.workspace_id AND w.phase = 'deleted' LIMIT ?1`;

/** Removes the snapshots of deleted workspaces, and takes from the buckets what nobody needs any more. */
export async function sweepSnapshots(services: Services): Promise<void> {
  for (const [shard, d1] of services.shards) {
    const { results } = await d1.prepare(GONE).bind(WORKSPACES_AT_ONCE).all();
    for (const each of results) await removeWith(services, shard, gone.parse(each));
    // What could not be removed comes again behind the rest.
    const { results: purges } = await d1
      .prepare('SELECT tenant_id, store_id, object_key FROM snapshot_purges ORDER BY tries LIMIT ?1')
      .bind(OBJECTS_AT_ONCE)
      .all();
    const byStore = new Map<string, z.infer<typeof purge>[]>();
    for (const each of purges.map((row) => purge.parse(row))) {
      const place = `${each.tenant_id} ${each.store_id}`;
      byStore.set(place, [...(byStore.get(place) ?? []), each]);
    }
    for (const objects of byStore.values()) await removeObjects(services, shard, objects);
  }
}

async function removeWith(services: Services, shard: string, each: z.infer<typeof gone>): Promise<void> {
  const ctx = objectContext(services, { tenantId: each.tenant_id, shard }, SYSTEM);
  const ids = z.array(z.string()).parse(JSON.parse(each.ids));
  const end = removeHome(ctx.db, each.workspace_id);
  if (ids.length === 0) return void (await ctx.db.batch([end]));
  const event = eventOf(ctx, {
    action: 'workspace.snapshot.delete',
    resource: { type: 'workspace', id: each.workspace_id, name: each.name },
    reason: 'The workspace was deleted',
    workspaceId: each.workspace_id,
    details: { count: ids.length },
  });
  const { guard, changes } = removeSnapshots(ctx.db, each.workspace_id, ids);
  try {
    await commit(ctx, { guard, changes: [...changes, end], events: [event] });
  } catch (error) {
    // Another sweep did it at this moment.
    if (!(error instanceof GuardFailed)) throw error;
  }
}

/** One bucket that does not answer holds up no other. */
async function removeObjects(services: Services, shard: string, objects: z.infer<typeof purge>[]): Promise<void> {
  const [first] = objects;
  if (first === undefined) return;
  const db = services.tenantDb(shard, first.tenant_id);
  const keys = objects.map(({ object_key }) => object_key);
  try {
    await (await storeNamed({ ...services, db }, first.store_id)).remove(keys);
    await db.batch([settled(db, first.store_id, keys, 'DELETE FROM snapshot_purges')]);
  } catch (error) {
    services.log('warn', 'objects of snapshots were not removed', { shard, store: first.store_id, error: String(error) });
    await db.batch([settled(db, first.store_id, keys, 'UPDATE snapshot_purges SET tries = tries + 1')]);
  }
}

const settled = (db: TenantDb, storeId: string, keys: readonly string[], what: string) =>
  statement(
    `${what} WHERE tenant_id = ?1 AND store_id = ?2 AND object_key IN (SELECT value FROM json_each(?3))`,
    ...[db.tenantId, storeId, JSON.stringify(keys)],
  );
