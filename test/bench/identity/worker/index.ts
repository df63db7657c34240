import product from '../../../../worker/index.ts';
import type { Env } from '../../../../worker/platform/env.ts';
import { watchedD1 } from '../../../support/watched-d1.ts';
import { SPENT_HEADER, type Spent } from '../spent.ts';

export * from '../../../../worker/index.ts';

const nothing = () => undefined;

/** The product, each of whose answers says what it cost of D1 until then. */
export default {
  ...product,
  async fetch(request, env, ctx) {
    const spent: Spent = { trips: 0, rowsRead: 0, rowsWritten: 0 };
    const counted = (d1: D1Database) =>
      watchedD1(d1, nothing, (told) => {
        // A trip that is still under way when the answer goes was not waited for.
        spent.trips++;
        for (const { rows_read, rows_written } of told) {
          spent.rowsRead += rows_read;
          spent.rowsWritten += rows_written;
        }
      });
    const bindings = Object.entries(env).map(([name, binding]) => [name, isDatabase(name) ? counted(binding as D1Database) : binding]);
    const response = await product.fetch(request, Object.fromEntries(bindings) as Env, ctx);
    const answer = new Response(response.body, response);
    answer.headers.set(SPENT_HEADER, JSON.stringify(spent));
    return answer;
  },
} satisfies ExportedHandler<Env>;

const isDatabase = (name: string): boolean => /^(DIRECTORY|SHARD_\d+)$/.test(name);
