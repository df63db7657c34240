import { applyD1Migrations, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { SYSTEM_TENANT } from '../../worker/compose.ts';

/** What objects that rest have stored outlives a reset: here for those whose names are the same in each file. */
const COUNTED = ['sign-in from', 'join from', 'operator', 'passkey challenges for', 'password resets from'];
const NETWORKS = ['unknown', '192.0.2.0/24', '203.0.113.0/24'];
const THROTTLES = ['events of unknown organisations', 'events of unknown passkeys'].concat(
  COUNTED.flatMap((what) => NETWORKS.map((network) => `${what} ${network}`)),
);

// Files share a Worker, whose start costs more than most of them, but no storage.
await reset();
await Promise.all([
  ...THROTTLES.map((name) => env.THROTTLE.getByName(name).forget()),
  runInDurableObject(env.AUDIT_LEDGER.getByName(SYSTEM_TENANT), (_object, { storage }) => storage.deleteAll()),
]);
await reset();
await applyD1Migrations(env.DIRECTORY, env.TEST_DIRECTORY_MIGRATIONS);
await applyD1Migrations(env.SHARD_0, env.TEST_SHARD_MIGRATIONS);
