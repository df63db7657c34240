import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

await applyD1Migrations(env.DIRECTORY, env.TEST_DIRECTORY_MIGRATIONS);
await applyD1Migrations(env.SHARD_0, env.TEST_SHARD_MIGRATIONS);
