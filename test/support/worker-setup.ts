import { applyD1Migrations, listDurableObjectIds, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

// Files share a Worker, whose start costs more than most of them, but no storage.
await reset();
// What an object that rested had stored outlives that: here, where names are the same in each file.
for (const namespace of [env.THROTTLE, env.AUDIT_LEDGER]) {
  const ids = await listDurableObjectIds(namespace);
  await Promise.all(ids.map((id) => runInDurableObject(namespace.get(id), (_object, { storage }) => storage.deleteAll())));
}
await reset();
await applyD1Migrations(env.DIRECTORY, env.TEST_DIRECTORY_MIGRATIONS);
await applyD1Migrations(env.SHARD_0, env.TEST_SHARD_MIGRATIONS);
