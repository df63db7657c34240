import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type Server } from '../../scripts/server.ts';
import { freePort, ROOT } from '../support/place.ts';

export interface WorkerServer extends Server {
  end(): Promise<void>;
}

/**
 * The product as a benchmark's own Worker wraps it, on a port and a state of its own.
 * @param entry from the repository's root on
 */
export async function startWorker(entry: string): Promise<WorkerServer> {
  const workerDir = join(ROOT, 'dist', entry.replace(/\/[^/]+$/, '').replaceAll('/', '-'));
  const built = spawnSync('wrangler', ['deploy', entry, '--dry-run', '--outdir', workerDir], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  });
  if (built.status !== 0) throw new Error(`The Worker of the benchmark does not build: ${built.stderr}`);
  const [port, stateDir] = [await freePort(), await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))];
  const server = await startServer({ root: ROOT, port, stateDir, workerDir });
  return {
    ...server,
    end: async () => {
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
