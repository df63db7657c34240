import { startHecDouble } from '../../support/hec-double.mjs';
import type { Person } from '../../../scripts/api.ts';
import { timed, type Options, type Row } from '../measure.ts';
import type { LedgerServer } from './server.ts';

const HEC_TOKEN = '11111111-2222-3333-4444-555555555555';
const row = (what: string, unit: Row['unit'], samples: number[]): Row => ({ bench: 'audit', what, system: 'gatehouse', unit, samples });

/** What appending costs: in batches against one by one, and what the outbox costs a change in D1. */
export async function measureWriting(server: LedgerServer, { rounds, quick }: Options): Promise<Row[]> {
  const database = await server.database('SHARD_0');
  await database.exec('CREATE TABLE IF NOT EXISTS bench_things (id INTEGER PRIMARY KEY, name TEXT)');
  for (let id = 0; id < 100; id++) await database.prepare('INSERT INTO bench_things (id, name) VALUES (?, ?)').bind(id, '').run();
  const count = quick ? 100 : 1_000;
  const [single, batched, called, calledInBatches, alone, withOutbox]: number[][] = [[], [], [], [], [], []];
  const written = { alone: 0, withOutbox: 0 };
  let next = 1;
  const append = async (how: 'fill' | 'append', batch: number) => {
    const [ms] = await timed(() => server.ask({ tenantId: 'bench-append', [how]: { from: next, to: next + count - 1, batch } }));
    next += count;
    return count / (ms / 1000);
  };
  const change = async (outbox: boolean) => {
    const changes = { count: count / 5, outbox };
    const [ms, rows] = await timed(() => server.ask({ tenantId: 'bench-append', changes }));
    written[outbox ? 'withOutbox' : 'alone'] = rows / changes.count;
    return changes.count / (ms / 1000);
  };
  await append('append', 50);
  await change(true);
  for (let round = 0; round < rounds; round++) {
    single?.push(await append('fill', 1));
    batched?.push(await append('fill', 50));
    called?.push(await append('append', 1));
    calledInBatches?.push(await append('append', 50));
    alone?.push(await change(false));
    withOutbox?.push(await change(true));
  }
  const ratio = (a: number[] = [], b: number[] = []) => a.map((each, index) => each / (b[index] ?? 1));
  return [
    row('append, one by one inside the object', 'per second', single ?? []),
    row('append, in batches of 50 inside the object', 'per second', batched ?? []),
    row('append: batches of 50, times one by one', 'times', ratio(batched, single)),
    row('append, a call for each event', 'per second', called ?? []),
    row('append, a call for each 50', 'per second', calledInBatches ?? []),
    row('append: a call for each 50, times a call for each', 'times', ratio(calledInBatches, called)),
    row('change in D1', 'per second', alone ?? []),
    row('change in D1 with its event', 'per second', withOutbox ?? []),
    row('change with its event, times the change alone', 'times', ratio(withOutbox, alone)),
    row('rows that its event adds to a change in D1', 'rows', [written.withOutbox - written.alone]),
  ];
}

/** A backlog of so many events, from the archive and the hot index, to a collector. */
export async function measureBacklog(server: LedgerServer, owner: Person, options: Options): Promise<Row[]> {
  const events = Math.min(options.events, 1_000_000);
  const { tenant } = await owner.call<{ tenant: { id: string } }>('GET', '/me');
  const hec = await startHecDouble({ tokens: [HEC_TOKEN] });
  const control = `${hec.url}/control?token=${HEC_TOKEN}`;
  try {
    // A million events would not fit into the memory of this process.
    await fetch(control, { method: 'POST', body: JSON.stringify({ keep: false }) });
    for (let from = 1; from <= events; from += 10_000)
      await server.ask({ tenantId: tenant.id, fill: { from, to: Math.min(from + 9_999, events), batch: 500 } });
    const config = { type: 'splunk-hec', url: hec.url };
    const { id } = await owner.call<{ id: string }>('POST', '/siem-destinations', { name: 'backlog', config, secret: HEC_TOKEN });
    const start = performance.now();
    await owner.call('POST', `/siem-destinations/${id}/replay`, { from: 1, to: events });
    for (let done = 0; done < events;) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const { replay } = await owner.call<{ replay: { deliveredTo: number; state: string } | null }>('GET', `/siem-destinations/${id}`);
      done = replay?.deliveredTo ?? 0;
      if (replay?.state === 'cancelled') throw new Error('The replay was cancelled');
    }
    const seconds = (performance.now() - start) / 1000;
    await owner.call('DELETE', `/siem-destinations/${id}`);
    const { count, violations } = (await (await fetch(control)).json()) as { count: number; violations: string[] };
    if (count < events || violations.length > 0)
      throw new Error(`The collector has ${count} of ${events} events: ${violations.join(', ')}`);
    return [
      row(`backlog of ${events} to Splunk’s collector`, 'per second', [events / seconds]),
      row('bytes an event, R2, with its proof', 'bytes', [(await bytesOf(server, tenant.id)) / events]),
    ];
  } finally {
    await hec.close();
  }
}

async function bytesOf(server: LedgerServer, tenantId: string): Promise<number> {
  const bucket = await server.archive();
  let bytes = 0;
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix: `${tenantId}/`, ...(cursor === undefined ? {} : { cursor }) });
    for (const { size } of page.objects) bytes += size;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return bytes;
}
