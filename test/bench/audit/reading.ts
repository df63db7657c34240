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
    what: 'by a person who does little',
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

/** The same questions at ten thousand events and at very many: inside the object, over HTTP, and of the peer. */
export async function measureReading(server: LedgerServer, peer: Postgres | null, options: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of [SMALL, options.events]) {
    const tenantId = `bench-${size}`;
    rows.push(...(await fill(server, peer, tenantId, size)));
    for (const query of QUERIES) rows.push(...(await ask(server, peer, tenantId, size, query, options)));
  }
  return [...rows, ...growth(rows, options.events)];
}

async function fill(server: LedgerServer, peer: Postgres | null, tenantId: string, size: number): Promise<Row[]> {
  let bytes = 0;
  const start = performance.now();
  for (let from = 1; from <= size; from += FILL_CALL)
    bytes = await server.ask({ tenantId, fill: { from, to: Math.min(from + FILL_CALL - 1, size), batch: FILL_BATCH } });
  const perSecond = size / ((performance.now() - start) / 1000);
  const name = `, ${size} events`;
  const row = (what: string, system: string, unit: Row['unit'], sample: number): Row => ({
    ...{ bench: 'audit', what: what + name, system, unit, samples: [sample] },
  });
  const before = size === SMALL ? 0 : SMALL;
  const peerMs = peer ? await peer.fill(before + 1, size) : 0;
  return [
    row('filled, one caller in batches of 500', 'gatehouse', 'per second', perSecond),
    row('bytes an event, hot index', 'gatehouse', 'bytes', bytes / size),
    ...(peer
      ? [
          row('filled, one caller in batches of 5,000', 'postgres', 'per second', (size - before) / (peerMs / 1000)),
          row('bytes an event, table and indexes', 'postgres', 'bytes', (await peer.size()) / size),
        ]
      : []),
  ];
}

async function ask(
  server: LedgerServer,
  peer: Postgres | null,
  tenantId: string,
  size: number,
  { what, ours, peer: peers }: Query,
  { rounds, quick }: Options,
): Promise<Row[]> {
  const query: EventQuery = { limit: PAGE, order: 'desc', by: 'seq', ...ours(size) };
  const once = () => server.ask({ tenantId, query, times: 1 });
  const inside: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [alone] = await timed(once);
    const [many] = await timed(() => server.ask({ tenantId, query, times: INSIDE + 1 }));
    inside.push(Math.max(0, many - alone) / INSIDE);
  }
  const many = quick ? 3 : 21;
  const label = `${what}, ${size} events`;
  const row = (system: string, samples: number[]): Row => ({ bench: 'audit', what: label, system, unit: 'ms', samples });
  const asked = peer ? peers(size) : null;
  const found = peer && asked ? (await peer.page(asked.condition, asked.values, asked.offset)).length : null;
  const own = await once();
  if (found !== null && found !== own) throw new Error(`${label}: the peer found ${found} and we ${own}`);
  return [
    row('gatehouse, inside the object', inside),
    row('gatehouse', await repeat(many, once)),
    ...(peer && asked ? [row('postgres', await repeat(many, () => peer.page(asked.condition, asked.values, asked.offset)))] : []),
  ];
}

/** How much longer the same question takes among very many. */
function growth(rows: readonly Row[], events: number): Row[] {
  const median = (samples: readonly number[]) => samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0;
  return QUERIES.flatMap(({ what }) => {
    const of = (size: number) => rows.find((row) => row.what === `${what}, ${size} events` && row.system.endsWith('object'));
    const [few, many] = [of(SMALL), of(events)];
    if (!few || !many) return [];
    const ratio = median(many.samples) / median(few.samples);
    return [{ bench: 'audit', what: `${what}: times that among ${SMALL}`, system: 'gatehouse', unit: 'times' as const, samples: [ratio] }];
  });
}
