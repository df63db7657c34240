import type { EventQuery } from '../../../worker/platform/objects.ts';
import { repeat, timed, type Options, type Row } from '../measure.ts';
import { factsOf, HEAVY_USER, LIGHT_USER, RARE_ACTION, RARE_NAME, SELDOM_ACTION } from './model.ts';
import type { Postgres } from './postgres.ts';
import type { LedgerServer } from './server.ts';

const SMALL = 10_000;
const PAGE = 25;
const FILL_BATCH = 500;
/** Events of one call: a request lasts as long. */
const FILL_CALL = 20_000;
/** Runs inside the object; its time is what they take beyond a single one. */
const INSIDE = 40;
/** of both sizes, in each round */
const TURNS = 3;

interface Query {
  what: string;
  /** @param size number of events */
  ours(size: number): Partial<EventQuery>;
  /** null: the peer has no such question */
  peer(size: number): { condition: string; values: unknown[]; offset?: number } | null;
}

const at = (n: number) => new Date(factsOf(n).at).toISOString();

const QUERIES: readonly Query[] = [
  { what: 'newest', ours: () => ({}), peer: () => ({ condition: 'true', values: [] }) },
  {
    what: 'by a person who does much',
    ours: () => ({ actorId: HEAVY_USER.id }),
    peer: () => ({ condition: 'a.user_id = $1', values: [HEAVY_USER.id] }),
  },
  {
    what: 'by a person who does less',
    ours: () => ({ actorId: LIGHT_USER.id }),
    peer: () => ({ condition: 'a.user_id = $1', values: [LIGHT_USER.id] }),
  },
  {
    what: 'by type and action',
    ours: () => ({ resourceType: 'template', action: SELDOM_ACTION }),
    peer: () => ({ condition: 'a.resource_type = $1 AND a.action = $2', values: ['template', SELDOM_ACTION] }),
  },
  {
    what: 'a rare action',
    ours: () => ({ action: RARE_ACTION }),
    peer: () => ({ condition: 'a.action = $1', values: [RARE_ACTION] }),
  },
  {
    what: 'within an hour',
    ours: (size) => ({ by: 'time', since: at(size / 2), until: at(size / 2 + 7_200) }),
    peer: (size) => ({ condition: 'a."time" >= $1 AND a."time" < $2', values: [at(size / 2), at(size / 2 + 7_200)] }),
  },
  {
    what: 'a page deep down',
    ours: (size) => ({ after: { seq: size / 2, time: '' } }),
    peer: (size) => ({ condition: 'true', values: [], offset: size / 2 }),
  },
  {
    what: 'a name that contains',
    ours: () => ({ filter: { kind: 'compare', attribute: 'resource.name', operator: 'co', value: RARE_NAME.slice(3, 12) } }),
    peer: () => ({ condition: 'a.resource_target ILIKE $1', values: [`%${RARE_NAME.slice(3, 12)}%`] }),
  },
];

/** The same questions at ten thousand events and at very many, by turns: inside the object, over HTTP, and of the peer. */
export async function measureReading(server: LedgerServer, peer: Postgres | null, options: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of [SMALL, options.events]) rows.push(...(await fill(server, size)));
  if (peer) rows.push(...(await fillPeer(peer, options.events)));
  for (const query of QUERIES) rows.push(...(await ask(server, peer, query, options)));
  return rows;
}

const named = (what: string, size: number, system: string, unit: Row['unit'], samples: number[]): Row => ({
  ...{ bench: 'audit', what: `${what}, ${size} events`, system, unit, samples },
});
const tenantOf = (size: number) => `bench-${size}`;

async function fill(server: LedgerServer, size: number): Promise<Row[]> {
  let bytes = 0;
  const start = performance.now();
  for (let from = 1; from <= size; from += FILL_CALL)
    bytes = await server.ask({ tenantId: tenantOf(size), fill: { from, to: Math.min(from + FILL_CALL - 1, size), batch: FILL_BATCH } });
  return [
    named('filled, one caller in batches of 500', size, 'gatehouse', 'per second', [size / ((performance.now() - start) / 1000)]),
    named('bytes an event, hot index', size, 'gatehouse', 'bytes', [bytes / size]),
  ];
}

async function fillPeer(peer: Postgres, size: number): Promise<Row[]> {
  const ms = await peer.fill(1, size);
  return [
    named('filled, one caller in batches of 5,000', size, 'postgres', 'per second', [size / (ms / 1000)]),
    named('bytes an event, table and indexes', size, 'postgres', 'bytes', [(await peer.size()) / size]),
  ];
}

async function ask(server: LedgerServer, peer: Postgres | null, { what, ours, peer: peers }: Query, options: Options): Promise<Row[]> {
  const { rounds, quick, events } = options;
  const many = quick ? 3 : 21;
  const sizes = [SMALL, events];
  const asked = sizes.map((size): { size: number; query: EventQuery; inside: number[]; outside: number[] } => {
    return { size, query: { limit: PAGE, order: 'desc', by: 'seq', ...ours(size) }, inside: [], outside: [] };
  });
  const once = ({ size, query }: { size: number; query: EventQuery }, times = 1) => server.ask({ tenantId: tenantOf(size), query, times });
  const found: number[] = [];
  for (const each of asked) found.push(await once(each, INSIDE));
  if (new Set(found).size > 1) throw new Error(`${what}: ${found.join(' and ')} events are found, which can't be compared`);
  // By turns, so that whatever else the machine does falls on both.
  for (let round = 0; round < rounds * TURNS; round++) {
    for (const each of asked) {
      const [alone] = await timed(() => once(each));
      const [repeated] = await timed(() => once(each, INSIDE + 1));
      each.inside.push(Math.max(0, repeated - alone) / INSIDE);
    }
  }
  for (const each of asked) each.outside.push(...(await repeat(many, () => once(each))));
  const question = peer ? peers(events) : null;
  const theirs = peer && question ? await repeat(many, () => peer.page(question.condition, question.values, question.offset)) : null;
  const theirsFound = peer && question ? (await peer.page(question.condition, question.values, question.offset)).length : null;
  if (theirsFound !== null && theirsFound !== found[0]) throw new Error(`${what}: the peer found ${theirsFound} and we ${found[0]}`);
  const [few = 0, very = 0] = asked.map(({ inside }) => median(inside));
  return [
    ...asked.flatMap(({ size, inside, outside }) => [
      named(what, size, 'gatehouse, inside the object', 'ms', inside),
      named(what, size, 'gatehouse', 'ms', outside),
    ]),
    ...(theirs ? [named(what, events, 'postgres', 'ms', theirs)] : []),
    { bench: 'audit', what: `${what}: ${events} events, times ${SMALL}`, system: 'gatehouse', unit: 'times', samples: [very / few] },
  ];
}

const median = (samples: readonly number[]) => samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0;
