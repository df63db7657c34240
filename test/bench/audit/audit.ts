import type { Options, Row } from '../measure.ts';
import { signUp } from '../product.ts';
import { measureChain } from './chain.ts';
import { postgres } from './postgres.ts';
import { measureReading } from './reading.ts';
import { startLedgerServer } from './server.ts';
import { measureBacklog, measureWriting } from './writing.ts';

export const AUDIT_PARTS = ['append', 'chain', 'backlog', 'read'] as const;

/** The audit log: what appending costs, how soon an event is everywhere, how fast a backlog drains, how reading grows. */
export async function measureAudit(options: Options): Promise<Row[]> {
  const wanted = (part: (typeof AUDIT_PARTS)[number]) => options.parts.length === 0 || options.parts.includes(part);
  const server = await startLedgerServer();
  const peer = wanted('read') ? await postgres(options.peers) : null;
  const rows: Row[] = [];
  try {
    const owner = await signUp(server.origin);
    if (wanted('append')) rows.push(...(await measureWriting(server, options)));
    if (wanted('chain')) rows.push(...(await measureChain(server, owner, options)));
    if (wanted('backlog')) rows.push(...(await measureBacklog(server, owner, options)));
    if (wanted('read')) rows.push(...(await measureReading(server, peer, options)));
    return rows;
  } finally {
    await peer?.stop();
    await server.end();
  }
}
