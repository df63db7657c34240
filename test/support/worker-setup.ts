import { applyD1Migrations, listDurableObjectIds, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

/** What an object that rested had stored outlives a reset. */
async function wipe<T extends Rpc.DurableObjectBranded>(namespace: DurableObjectNamespace<T>): Promise<void> {
  const ids = await listDurableObjectIds(namespace);
  await Promise.all(ids.map((id) => runInDurableObject(namespace.get(id), (_object, { storage }) => storage.deleteAll())));
}

// Files share a Worker, whose start costs more than most of them, but no storage: where names are the same in each file, nothing is left.
await reset();
await Promise.all([wipe(env.THROTTLE), wipe(env.AUDIT_LEDGER)]);
await reset();
await applyD1Migrations(env.DIRECTORY, env.TEST_DIRECTORY_MIGRATIONS);
await applyD1Migrations(env.SHARD_0, env.TEST_SHARD_MIGRATIONS);
