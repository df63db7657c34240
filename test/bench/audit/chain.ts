import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { Person } from '../../../scripts/api.ts';
import { startHecDouble } from '../../support/hec-double.mjs';
import { type Options, type Row, until } from '../measure.ts';
import { ACCOUNT } from '../product.ts';
import type { LedgerServer } from './server.ts';

const HEC_TOKEN = '22222222-3333-4444-5555-666666666666';
/** People who change something at the same time, each as soon as the last answer has come. */
const CLIENTS = 8;
const STEADY_PER_SECOND = 20;
/** Sessions that poll in turn: one may read 600 pages a minute. */
const READERS = 5;
const LOOK_EVERY_MS = 25;

/** A change, known in its event by what the group's description became. */
interface Act {
  mark: string;
  startedAt: number;
}
type Seen = Map<string, number>;

/**
 * From the start of a request to wherever a security team finds its event, while requests go on: at the pace of a large
 * office, and with as many as the product takes. All times are of this machine's one clock.
 */
export async function measureChain(server: LedgerServer, owner: Person, { quick }: Options): Promise<Row[]> {
  const hec = await startHecDouble({ tokens: [HEC_TOKEN] });
  const seconds = quick ? 3 : 30;
  try {
    const config = { type: 'splunk-hec', url: hec.url };
    const { id } = await owner.call<{ id: string }>('POST', '/siem-destinations', { name: 'chain', config, secret: HEC_TOKEN });
    const groups = await makeGroups(owner);
    const readers = await signInAgain(server.origin);
    const steady = await follow(server, readers, hec.url, () => steadily(owner, groups, seconds));
    await server.counts();
    const full = await follow(server, readers, hec.url, () => asFastAsTaken(owner, groups, seconds));
    const counts = await server.counts();
    await owner.call('DELETE', `/siem-destinations/${id}`);
    const each = (count: number) => [(count / full.acts.length) * 1000];
    return [
      ...delays(`${STEADY_PER_SECOND} changes a second`, steady),
      ...delays(`${CLIENTS} people at once`, full),
      row(`changes with their events, ${CLIENTS} people at once`, 'per second', [full.acts.length / full.seconds]),
      row('queue messages for 1,000 events, archive', 'messages', each(counts.archiveMessages)),
      row('queue messages for 1,000 events, one destination', 'messages', each(counts.deliveryMessages)),
      row('R2 puts for 1,000 events', 'puts', each(counts.puts)),
      row('rows that the ledger writes for 1,000 events', 'rows', each(counts.ledgerRowsWritten)),
    ];
  } finally {
    await hec.close();
  }
}

const row = (what: string, unit: Row['unit'], samples: number[]): Row => ({ bench: 'audit', what, system: 'gatehouse', unit, samples });

interface Followed {
  acts: Act[];
  /** that the acts took */
  seconds: number;
  queryable: Seen;
  archived: Seen;
  delivered: Seen;
}

function delays(load: string, { acts, queryable, archived, delivered }: Followed): Row[] {
  const of = (place: Seen) => acts.map(({ mark, startedAt }) => (place.get(mark) ?? Infinity) - startedAt);
  return [
    row(`request to queryable, ${load}`, 'ms', of(queryable)),
    row(`request to R2, ${load}`, 'ms', of(archived)),
    row(`request to Splunk’s collector, ${load}`, 'ms', of(delivered)),
  ];
}

/** What is changed, one change after the other. */
interface Group {
  path: string;
  etag: Promise<string>;
}

const makeGroups = (owner: Person): Promise<Group[]> =>
  Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const { id } = await owner.call<{ id: string }>('POST', '/groups', { name: `chain-${index}` });
      const path = `/groups/${id}`;
      return { path, etag: Promise.resolve(etagOf(await owner.ask('GET', path))) };
    }),
  );

function etagOf(answer: Response): string {
  const etag = answer.headers.get('etag');
  if (!answer.ok || etag === null) throw new Error(`The change was answered ${answer.status}`);
  return etag;
}

async function follow(server: LedgerServer, readers: Person[], hecUrl: string, work: () => Promise<Act[]>): Promise<Followed> {
  const watching = watch(readers);
  const start = performance.now();
  const acts = await work();
  const seconds = (performance.now() - start) / 1000;
  const queryable = await watching(acts.length);
  let delivered: Seen = new Map();
  await until('all is delivered', async () => hasAll(acts, (delivered = await deliveredAt(hecUrl))), 250);
  let archived: Seen = new Map();
  await until('all is archived', async () => hasAll(acts, (archived = await archivedAt(server))), 250);
  return { acts, seconds, queryable, archived, delivered };
}

const hasAll = (acts: readonly Act[], seen: Seen) => acts.every(({ mark }) => seen.has(mark));

let marks = 0;
async function act(owner: Person, group: Group | undefined): Promise<Act> {
  if (!group) throw new Error('There is no group to change');
  const before = await group.etag;
  const made = { mark: `mark-${marks++}-of-the-chain`, startedAt: Date.now() };
  group.etag = owner.ask('PATCH', group.path, { description: made.mark }, { 'If-Match': before }).then(etagOf);
  await group.etag;
  return made;
}

async function steadily(owner: Person, groups: readonly Group[], seconds: number): Promise<Act[]> {
  const acts: Array<Promise<Act>> = [];
  const start = performance.now();
  for (let index = 0; index < seconds * STEADY_PER_SECOND; index++) {
    await sleep(Math.max(0, start + (index * 1000) / STEADY_PER_SECOND - performance.now()));
    const made = act(owner, groups[index % groups.length]);
    // It is told when all are waited for.
    made.catch(() => undefined);
    acts.push(made);
  }
  return Promise.all(acts);
}

async function asFastAsTaken(owner: Person, groups: readonly Group[], seconds: number): Promise<Act[]> {
  const end = performance.now() + seconds * 1000;
  const acts: Act[] = [];
  const client = async (group: Group) => {
    while (performance.now() < end) acts.push(await act(owner, group));
  };
  await Promise.all(groups.map(client));
  return acts;
}

async function signInAgain(origin: string): Promise<Person[]> {
  const readers = Array.from({ length: READERS }, () => new Person(origin));
  const { tenant, email, password } = ACCOUNT;
  for (const reader of readers) await reader.call('POST', '/login', { tenant, email, password });
  return readers;
}

/** Polls as a program does that misses nothing, from now on. @returns what waits for so many marks and says when each was first there */
function watch(readers: Person[]): (count: number) => Promise<Seen> {
  const seen: Seen = new Map();
  let expected: number | null = null;
  const polling = (async () => {
    let next = `/audit/events?limit=1000&order=asc&since=${new Date().toISOString()}`;
    for (let look = 0; expected === null || seen.size < expected; look++) {
      const answer = await (readers[look % READERS] as Person).ask('GET', next);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`GET ${next} answered ${answer.status}: ${text}`);
      const { items } = JSON.parse(text) as { items: AuditEvent[] };
      const now = Date.now();
      for (const event of items) for (const mark of marksIn(JSON.stringify(event))) seen.set(mark, now);
      next = /<[^>]*\/api\/v1([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? next;
      if (items.length < 1000) await sleep(LOOK_EVERY_MS);
    }
    return seen;
  })();
  polling.catch(() => undefined);
  return (count) => {
    expected = count;
    return polling;
  };
}

/** The new description, not the old one. */
const marksIn = (json: string): string[] => [...json.matchAll(/"new":"(mark-\d+-of-the-chain)"/g)].map(([, mark]) => mark ?? '');

async function deliveredAt(hecUrl: string): Promise<Seen> {
  const answer = await fetch(`${hecUrl}/control?token=${HEC_TOKEN}`);
  const { indexed, arrivedAt } = (await answer.json()) as { indexed: unknown[]; arrivedAt: number[] };
  const seen: Seen = new Map();
  indexed.forEach((event, index) => {
    for (const mark of marksIn(JSON.stringify(event))) if (!seen.has(mark)) seen.set(mark, arrivedAt[index] ?? Infinity);
  });
  return seen;
}

async function archivedAt(server: LedgerServer): Promise<Seen> {
  const bucket = await server.archive();
  const seen: Seen = new Map();
  let cursor: string | undefined;
  do {
    const page = await bucket.list(cursor === undefined ? {} : { cursor });
    for (const { key, uploaded } of page.objects.filter((object) => object.key.endsWith('.ndjson.gz'))) {
      const body = await (await bucket.get(key))?.arrayBuffer();
      if (body) for (const mark of marksIn(gunzipSync(new Uint8Array(body)).toString())) seen.set(mark, uploaded.getTime());
    }
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return seen;
}
