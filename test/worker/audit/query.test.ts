import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { AuditEvent } from '../../../core/audit/event.ts';
import { matchesFilter, parseFilter, printFilter, type Filter } from '../../../core/audit/filter.ts';
import { readPage, rowStatement } from '../../../worker/audit/ledger.query.ts';
import { coverStatements, timeStatement, walkStatement } from '../../../worker/audit/ledger.sources.ts';
import type { EventPosition, EventQuery, LedgerObject } from '../../../worker/platform/objects.ts';
import { draft, drafts, mintTenant } from '../../support/audit.ts';
import { someEvent, someFilter } from '../../support/filters.ts';
import { BEGIN, counted, fill, person, record } from '../../support/ledgers.ts';

vi.setConfig({ testTimeout: 180_000 });

type Ledger = DurableObjectStub<LedgerObject>;
const seqOf = (body: string) => (JSON.parse(body) as AuditEvent).seq;

/** Every page of a query in a row, straight from the object's tables. */
function pagesOf(sql: SqlStorage, query: Omit<EventQuery, 'limit'>, size: number): number[] {
  const seqs: number[] = [];
  const polled = query.by === 'seq' && query.order === 'asc';
  for (let after: EventPosition | null | undefined; after !== null;) {
    const { bodies, next } = readPage(sql, { ...query, limit: 9, ...(after ? { after } : {}) }, size);
    seqs.push(...bodies.map(seqOf));
    after = polled && bodies.length === 0 ? null : next;
  }
  return seqs;
}

describe('a filter finds in the index what its plain meaning finds', () => {
  test('for all events and filters, in each order', async () => {
    const { ledger, tenantId } = mintTenant();
    const at = (offset: number) => new Date(1_790_000_000_000 + offset).toISOString();
    const drawn = fc.sample(someEvent, { numRuns: 150, seed: 11 });
    const events = drawn.map((event, index) => ({ ...event, id: `evt_${index}`, seq: index + 1, recordedAt: at(index * 700) }));
    await record(ledger, tenantId, events);
    const range = { since: at(20_000), until: at(80_000) };
    const byTime = [...events].sort((a, b) => (a.time === b.time ? a.seq - b.seq : a.time < b.time ? -1 : 1));
    await runInDurableObject(ledger, (_, { storage: { sql } }) => {
      fc.assert(
        fc.property(someFilter, fc.constantFrom('asc' as const, 'desc' as const), (filter, order) => {
          const turned = (found: AuditEvent[]) => (order === 'asc' ? found : found.reverse()).map(({ seq }) => seq);
          const words = printFilter(filter);
          const all = events.filter((event) => matchesFilter(filter, event));
          expect(pagesOf(sql, { by: 'seq', order, filter }, events.length), words).toEqual(turned(all));
          const within = byTime.filter((event) => event.time >= range.since && event.time < range.until && matchesFilter(filter, event));
          expect(pagesOf(sql, { by: 'time', order, filter, ...range }, events.length), words).toEqual(turned(within));
        }),
        { numRuns: 250 },
      );
    });
  });
});

const LIMIT = 25;
const DAY_MS = 24 * 60 * 60_000;
const QUESTIONS: Array<[name: string, query: Omit<EventQuery, 'limit'>]> = [
  ['the first page', { by: 'seq', order: 'desc' }],
  ['one person', { by: 'seq', order: 'desc', filter: parseFilter(`actor.id eq "${person(3)}"`) }],
  ['type and action', { by: 'seq', order: 'desc', filter: parseFilter('resource.type eq "role" and action eq "role.assign"') }],
  ['a rare match', { by: 'seq', order: 'desc', filter: parseFilter('outcome ne "success"') }],
  [
    'a range of time',
    { by: 'time', order: 'desc', since: new Date(BEGIN + DAY_MS).toISOString(), until: new Date(BEGIN + 9 * DAY_MS).toISOString() },
  ],
  ['a deep page', { by: 'seq', order: 'desc', after: { seq: 1_000, time: '' } }],
  ['contains, common', { by: 'seq', order: 'desc', filter: parseFilter('resource.name co "payments"') }],
  ['contains, rare', { by: 'seq', order: 'desc', filter: parseFilter('resource.name co "ZEBRA"') }],
];

describe('no question reads more than four rows for each event that it finds', () => {
  test.each([2_000, 12_000])('of %i events', async (count) => {
    const { ledger, tenantId } = mintTenant();
    const events = await fill(ledger, tenantId, count);
    await runInDurableObject(ledger, (_, { storage }) => {
      for (const [name, query] of QUESTIONS) {
        const { sql, rowsRead } = counted(storage.sql);
        const { bodies } = readPage(sql, { ...query, limit: LIMIT }, count);
        const expected = events.filter((event) => query.filter === undefined || matchesFilter(query.filter, event)).length;
        expect(bodies.length, name).toBe(Math.min(LIMIT, expected));
        expect(rowsRead(), name).toBeGreaterThan(bodies.length);
        expect(rowsRead(), `${name}: ${rowsRead()} rows for ${bodies.length} events`).toBeLessThanOrEqual(4 * bodies.length);
      }
    });
  });

  test('what matches nothing and has no index ends its page at the bound, and goes on', async () => {
    const { ledger, tenantId } = mintTenant();
    await fill(ledger, tenantId, 7_000);
    const filter = parseFilter('origin.country eq "XX"');
    const first = await ledger.query({ limit: 10, by: 'seq', order: 'desc', filter });
    expect(first).toMatchObject({ bodies: [], next: { seq: 2_001 } });
    expect(await ledger.query({ limit: 10, by: 'seq', order: 'desc', filter, after: first.next ?? expect.fail() })).toMatchObject({
      bodies: [],
      next: null,
    });
  });
});

test('every statement walks an index: no scan, no sort', async () => {
  const { ledger, append, services } = mintTenant();
  await append(draft(services));
  const after = { seq: 5, time: '2026-01-01T00:00:00.000Z' };
  const range = { low: 1, high: 9 };
  const timed: EventQuery = { limit: 10, by: 'time', order: 'asc', since: after.time, until: after.time };
  const covers = [
    { terms: [1], match: null },
    { terms: [1, 2, 3, 4, 5, 6], match: '"abc" AND "bcd"' },
  ];
  const statements = (['asc', 'desc'] as const).flatMap((order) => [
    walkStatement(range, order, 10),
    ...covers.flatMap((cover) => coverStatements(cover, range, order, 10)),
    timeStatement({ ...timed, order }, null, 10),
    timeStatement({ ...timed, order }, after, 10),
    timeStatement({ limit: 10, by: 'time', order }, after, 10),
  ]);
  const row = rowStatement(timed, covers);
  const plans = await runInDurableObject(ledger, (_, { storage }) =>
    [...statements, { ...row, params: [1, ...row.params] }].map(({ text, params }) =>
      storage.sql
        .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`, ...params)
        .toArray()
        .map(({ detail }) => detail),
    ),
  );
  for (const plan of plans) {
    const read = plan.filter((detail) => !/^(MERGE|LEFT|RIGHT|CORRELATED|SCAN wanted|LIST)/.test(detail));
    expect(read.length, plan.join('\n')).toBeGreaterThan(0);
    for (const detail of read)
      expect(detail).toMatch(
        /^(SEARCH (events|terms) USING (COVERING INDEX|INDEX|INTEGER PRIMARY KEY|PRIMARY KEY)|SCAN search VIRTUAL TABLE)/,
      );
  }
});

test('an event takes little room: its body is packed, and unpacks to the byte', async () => {
  const { ledger, tenantId } = mintTenant();
  const events = await fill(ledger, tenantId, 3_000);
  const { bodies } = await ledger.query({ limit: 1_000, by: 'seq', order: 'asc' });
  expect(bodies).toEqual(events.slice(0, 1_000).map((event) => JSON.stringify(event)));
  const bytes = await runInDurableObject(ledger, (_, { storage }) => storage.sql.databaseSize / 3_000);
  // Seven hundred and fifty of JSON, with eleven lists that it is found by, its leaf and its nodes.
  expect(bytes).toBeLessThan(800);
});

const V1_EVENTS = `
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, source TEXT NOT NULL, event_id TEXT NOT NULL, time TEXT NOT NULL, recorded_at TEXT NOT NULL, actor_id TEXT,
  action TEXT NOT NULL, resource_type TEXT NOT NULL, resource_id TEXT, outcome TEXT NOT NULL, salt BLOB NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_identity ON events (source, event_id);
CREATE INDEX events_time ON events (time);
CREATE INDEX events_actor ON events (actor_id);
CREATE INDEX events_action ON events (action);
CREATE INDEX events_type ON events (resource_type);
CREATE INDEX events_resource ON events (resource_id);
CREATE INDEX events_outcome ON events (outcome) WHERE outcome <> 'success';`;

/** Makes the tables those of the first version, with the same events. */
async function makeFirstVersion(ledger: Ledger) {
  const { bodies } = await ledger.query({ limit: 10_000, by: 'seq', order: 'asc' });
  await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    const kept = sql.exec<{ salt: ArrayBuffer }>('SELECT salt FROM events ORDER BY seq').toArray();
    for (const table of ['events', 'terms', 'search', 'seen', 'drift', 'upgrade', 'compaction', 'leftovers'])
      sql.exec(`DROP TABLE ${table}`);
    for (const column of ['min_time', 'max_time', 'file', 'file_offset', 'file_length'])
      sql.exec(`ALTER TABLE segments DROP COLUMN ${column}`);
    sql.exec(V1_EVENTS);
    bodies.forEach((body, index) => {
      const { seq, id, time, recordedAt, actor, action, resource, outcome } = JSON.parse(body) as AuditEvent;
      sql.exec(
        'INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[
          seq,
          'api',
          id,
          time,
          recordedAt,
          actor.id,
          action,
          resource.type,
          resource.id,
          outcome,
          kept[index]?.salt ?? expect.fail(),
          body,
        ],
      );
    });
  });
  await evictDurableObject(ledger);
}

describe('a ledger of the first version', () => {
  const rare: Filter = parseFilter('action eq "template.delete" or resource.name co "rarity"');

  test('goes on at once, is brought up in steps, and answers the same all the while', async () => {
    const { ledger, services, append, events } = mintTenant();
    const facts = (index: number) =>
      index % 300 === 7
        ? { action: 'template.delete' as const }
        : index % 300 === 9
          ? { resource: { type: 'template' as const, id: 'tpl_r', name: 'Rarity' } }
          : {};
    await append(...drafts(services, 1_200, facts));
    await makeFirstVersion(ledger);
    const before = await events();
    const ask = async () => (await ledger.query({ limit: 100, by: 'seq', order: 'desc', filter: rare })).bodies.map(seqOf);
    const found = before
      .filter((event) => matchesFilter(rare, event))
      .map(({ seq }) => seq)
      .reverse();
    expect(found).toHaveLength(8);
    expect(await ask()).toEqual(found);

    const late = draft(services, { action: 'template.delete' });
    await append(late);
    await append(late);
    expect(await ask()).toEqual([1_201, ...found]);
    const upgraded = () =>
      runInDurableObject(ledger, (_, { storage }) => storage.sql.exec('SELECT indexed_from FROM upgrade').one()['indexed_from']);
    for (let step = 0; step < 10 && (await upgraded()) !== 1; step++) {
      await runDurableObjectAlarm(ledger);
      expect(await ask()).toEqual([1_201, ...found]);
    }
    expect(await upgraded()).toBe(1);
    expect((await events()).slice(0, 1_200)).toEqual(before);
    await runInDurableObject(ledger, (_, { storage: { sql } }) => {
      expect(sql.exec("SELECT count(*) AS plain FROM events WHERE body <> '' OR packed IS NULL OR action <> ''").one()['plain']).toBe(0);
      expect(sql.exec("SELECT count(*) AS old FROM sqlite_master WHERE name = 'events_actor'").one()['old']).toBe(0);
      const { sql: watched, rowsRead } = counted(sql);
      expect(
        readPage(watched, { limit: 4, by: 'seq', order: 'desc', filter: parseFilter('action eq "template.delete"') }, 1_201).bodies,
      ).toHaveLength(4);
      expect(rowsRead()).toBeLessThan(20);
    });
  });
});
