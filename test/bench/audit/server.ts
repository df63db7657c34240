import type { EventQuery } from '../../../worker/platform/objects.ts';
import { startWorker, type WorkerServer } from '../worker-server.ts';
import type { Counts } from './model.ts';

/** The product with a door to its ledger (worker/index.ts), on a port and a state of its own. */
export interface LedgerServer extends WorkerServer {
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
}

export async function startLedgerServer(): Promise<LedgerServer> {
  const server = await startWorker('test/bench/audit/worker/index.ts');
  const post = async <T>(question: object): Promise<T> => {
    const answer = await fetch(`${server.origin}/bench`, { method: 'POST', body: JSON.stringify(question) });
    if (!answer.ok) throw new Error(`The ledger answered ${answer.status}: ${await answer.text()}`);
    return answer.json() as Promise<T>;
  };
  return {
    ...server,
    ask: (question) => post<number>(question),
    counts: () => post<Counts>({ tenantId: '-', counts: true }),
  };
}
