import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

// Files share a Worker, whose start costs more than most of them, but no storage.
await reset();
await applyD1Migrations(env.DIRECTORY, env.TEST_DIRECTORY_MIGRATIONS);
await applyD1Migrations(env.SHARD_0, env.TEST_SHARD_MIGRATIONS);
