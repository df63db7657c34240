import type { Env as ProductEnv } from '../../worker/platform/env.ts';
import type { D1Migration } from 'cloudflare:test';
import type * as product from '../../worker/index.ts';

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof product;
    }
    interface Env extends ProductEnv {
      SHARD_0: D1Database;
      OPERATOR_TOKEN: string;
      /** SEED of the command, to play a random test again; empty: another each time */
      TEST_SEED: string;
      /** the 3,000 most used of known breaches that are long enough, one a line */
      TEST_BREACHED_PASSWORDS: string;
      TEST_DIRECTORY_MIGRATIONS: D1Migration[];
      TEST_SHARD_MIGRATIONS: D1Migration[];
    }
  }
}
