import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type Server } from '../../../scripts/server.ts';
import type { EventQuery } from '../../../worker/platform/objects.ts';
import { freePort, ROOT } from '../../support/place.ts';
import type { Counts } from './model.ts';

/** The product with a door to its ledger (worker/index.ts), on a port and a state of its own. */
export interface LedgerServer extends Server {
  ask(question: {
    tenantId: string;
    fill?: { from: number; to: number; batch: number };
    append?: { from: number; to: number; batch: number };
    query?: EventQuery;
    times?: number;
    changes?: { count: number; outbox: boolean };
  }): Promise<number>;
  /** what the platform would bill, since the last time */
  counts(): Promise<Counts>;
  end(): Promise<void>;
}

export async function startLedgerServer(): Promise<LedgerServer> {
  const workerDir = join(ROOT, 'dist/bench-ledger');
  const built = spawnSync('wrangler', ['deploy', 'test/bench/audit/worker/index.ts', '--dry-run', '--outdir', workerDir], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  });
  if (built.status !== 0) throw new Error(`The Worker of the benchmark does not build: ${built.stderr}`);
  const [port, stateDir] = [await freePort(), await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))];
  const server = await startServer({ root: ROOT, port, stateDir, workerDir });
  const post = async <T>(question: object): Promise<T> => {
    const answer = await fetch(`${server.origin}/bench`, { method: 'POST', body: JSON.stringify(question) });
    if (!answer.ok) throw new Error(`The ledger answered ${answer.status}: ${await answer.text()}`);
    return answer.json() as Promise<T>;
  };
  return {
    ...server,
    ask: (question) => post<number>(question),
    counts: () => post<Counts>({ tenantId: '-', counts: true }),
    end: async () => {
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
