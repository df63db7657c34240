import type { Options, Row } from '../measure.ts';
import { signUp } from '../product.ts';
import { postgres } from './postgres.ts';
import { measureReading } from './reading.ts';
import { startLedgerServer } from './server.ts';
import { measureBacklog, measureWriting } from './writing.ts';

/** The audit log: what appending costs, how reading grows with it, and how fast a backlog drains. */
export async function measureAudit(options: Options): Promise<Row[]> {
  const server = await startLedgerServer();
  const peer = await postgres(options.peers);
  try {
    const writing = await measureWriting(server, options);
    const owner = await signUp(server.origin);
    const { tenant } = await owner.call<{ tenant: { id: string } }>('GET', '/me');
    const backlog = await measureBacklog(server, owner, tenant.id, options);
    return [...writing, ...backlog, ...(await measureReading(server, peer, options))];
  } finally {
    await peer?.stop();
    await server.end();
  }
}
