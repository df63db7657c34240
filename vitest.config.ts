import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { breachedPasswords } from './scripts/breached-passwords.ts';

const TEST_SECRETS = {
  ENVIRONMENT: 'local',
  ORIGIN: 'https://gatehouse.test',
  GRANT_KEY: JSON.stringify({
    kty: 'OKP',
    crv: 'Ed25519',
    kid: 'test',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  }),
  CHECKPOINT_KEY: JSON.stringify({
    kty: 'OKP',
    crv: 'Ed25519',
    x: 'PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw',
    d: 'TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs',
  }),
  KEK: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
  OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
  SIGN_UPS_PER_HOUR: '1000000',
  PASSWORD_COST: '8',
  POLICY_PORTS: 'tenant',
  LOCAL_TXT_RECORDS: JSON.stringify({ '_gatehouse.provable.example': ['gatehouse-verification=known-to-the-tests'] }),
};

/** On two cores that are both busy a test may wait long for its turn; how long it takes is judged by benchmarks. */
const PATIENCE = 30_000;
const POLLED = { poll: { timeout: 20_000, interval: 100 } };

export default defineConfig({
  test: {
    projects: [
      'web/vitest.config.ts',
      'runner/vitest.config.ts',
      {
        test: {
          name: 'core',
          environment: 'node',
          testTimeout: PATIENCE,
          include: ['core/**/*.test.ts', 'test/core/**/*.test.ts', 'test/house/**/*.test.ts'],
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                ...TEST_SECRETS,
                TEST_BREACHED_PASSWORDS: breachedPasswords().slice(0, 3_000).join('\n'),
                TEST_SEED: process.env['SEED'] ?? '',
                TEST_DIRECTORY_MIGRATIONS: await readD1Migrations('migrations/directory'),
                TEST_SHARD_MIGRATIONS: await readD1Migrations('migrations/shard'),
              },
            },
          })),
        ],
        test: {
          name: 'worker',
          testTimeout: PATIENCE,
          // A Worker for each file would cost about five seconds each; what they store is theirs alone (worker-setup.ts).
          isolate: false,
          include: ['test/worker/**/*.test.ts', 'worker/**/*.test.ts'],
          setupFiles: ['test/support/worker-setup.ts'],
          globalSetup: ['test/support/doubles.ts'],
        },
      },
      // Whole products on this machine's two cores: one file after another. Files that need no settings of their own share one.
      {
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['test/e2e/**/*.test.ts'],
          expect: POLLED,
          setupFiles: ['test/support/on-failure.ts'],
          globalSetup: ['test/support/shared-product.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      // The IDE in a browser: one product for all files, one after another.
      {
        test: {
          name: 'ide',
          environment: 'node',
          include: ['test/ide/**/*.test.ts'],
          expect: POLLED,
          setupFiles: ['test/support/on-failure.ts'],
          globalSetup: ['test/support/shared-product.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'chaos',
          environment: 'node',
          include: ['test/chaos/**/*.test.ts'],
          expect: POLLED,
          setupFiles: ['test/support/on-failure.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
