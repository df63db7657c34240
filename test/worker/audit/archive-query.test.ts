import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { auditEvent, type AuditEvent, type DraftEvent } from '../../../core/audit/event.ts';
import { linesOf } from '../../../core/audit/export-lines.ts';
import { parseVerifierKey } from '../../../core/audit/note.ts';
import { verifyExport } from '../../../core/audit/verify.ts';
import { consume } from '../../../worker/audit/consumers.ts';
import { sha256 } from '../../../worker/audit/hash.ts';
import type { CompactionOrder } from '../../../worker/audit/queue.ts';
import type { LedgerObject } from '../../../worker/platform/objects.ts';
import { auditApi, auditFetch } from '../../support/api.ts';
import { archived, draft, drafts, mintTenant, type TestTenant } from '../../support/audit.ts';

vi.setConfig({ testTimeout: 120_000 });

type Ledger = DurableObjectStub<LedgerObject>;
const seqs = (events: AuditEvent[]) => events.map(({ seq }) => seq);
const upTo = (count: number, from = 1) => Array.from({ length: count - from + 1 }, (_, index) => index + from);

/** What the ledger says to its queue goes nowhere, or to the given list. */
const silence = (ledger: Ledger, said: unknown[] = []) =>
  runInDurableObject(ledger, (instance) => {
    const note = { sendBatch: async (messages: Array<{ body: unknown }>) => void said.push(...messages.map(({ body }) => body)) };
    Object.assign(instance, { env: { ...env, ARCHIVE_QUEUE: note, DELIVERY_QUEUE: { sendBatch: async () => {} } } });
  });

async function queue(bodies: unknown[], bucket: R2Bucket = env.AUDIT_ARCHIVE) {
  const messages = bodies.map((body, index) => ({ id: `message-${index}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch('gatehouse-archive', messages);
  const ctx = createExecutionContext();
  await consume(batch, { ...env, AUDIT_ARCHIVE: bucket }, mintTenant().services);
  return getQueueResult(batch, ctx);
}

/** A tenant with segments of so many events each, sealed on a day that is long over, and archived. */
async function archivedTenant(sizes: number[], facts: (index: number) => Partial<DraftEvent> = () => ({})): Promise<TestTenant> {
  const tenant = mintTenant();
  await silence(tenant.ledger);
  let begun = 0;
  for (const size of sizes) {
    await tenant.append(...drafts(tenant.services, size, (index) => facts(begun + index)));
    await runDurableObjectAlarm(tenant.ledger);
    begun += size;
  }
  const pointers = await runInDurableObject(tenant.ledger, (_, { storage: { sql } }) => {
    sql.exec("UPDATE segments SET sealed_at = '2026-01-05T12:00:00.000Z'");
    return sql.exec<{ first: number; last: number }>('SELECT first, last FROM segments ORDER BY first').toArray();
  });
  await queue(pointers.map((pointer) => ({ ...pointer, tenantId: tenant.tenantId, shard: 's0' })));
  expect((await tenant.ledger.status()).archivedTo).toBe(begun);
  return tenant;
}

/** What of the log is to become one file, as the alarm says. */
async function compaction(tenant: TestTenant): Promise<CompactionOrder> {
  const said: unknown[] = [];
  await silence(tenant.ledger, said);
  await runDurableObjectAlarm(tenant.ledger);
  await silence(tenant.ledger);
  return said[0] as CompactionOrder;
}

/** The oldest events leave the hot index. */
const purge = async ({ ledger }: TestTenant, to: number) => {
  await runInDurableObject(ledger, (_, { storage: { sql } }) => {
    sql.exec("UPDATE events SET recorded_at = '2026-01-05T00:00:00.000Z' WHERE seq <= ?", to);
    sql.exec('UPDATE head SET clear_at = NULL');
  });
  await runDurableObjectAlarm(ledger);
  expect(
    await runInDurableObject(ledger, (_, { storage }) => storage.sql.exec('SELECT min(seq) AS first FROM events').one()['first']),
  ).toBe(to + 1);
};

async function follow(tenant: TestTenant, path: string): Promise<{ events: AuditEvent[]; progress: unknown[] }> {
  const api = auditApi(tenant.as('auditor'));
  const events: AuditEvent[] = [];
  const progress: unknown[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await api('GET', `${path}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    events.push(...body.items.map((item: unknown) => auditEvent.parse(item)));
    if (body.progress !== null) progress.push(body.progress);
    if (!body.hasMore) return { events, progress };
    cursor = body.nextCursor;
  }
}

const text = async (key: string) => (await env.AUDIT_ARCHIVE.get(key))?.text() ?? expect.fail(`no ${key}`);
/** Every object of a tenant. */
const stored = async ({ tenantId }: TestTenant) =>
  (await env.AUDIT_ARCHIVE.list({ prefix: `${tenantId}/` })).objects.map(({ key }) => key).sort();
const DAY = '2026/01/05';

describe('a day’s segments become one file', () => {
  test('with the same lines, in blocks; what was before is gone, and the proof stays', async () => {
    const tenant = await archivedTenant([3, 4, 5]);
    const before = await runInDurableObject(tenant.ledger, (instance) =>
      instance.query({ limit: 100, by: 'seq', order: 'asc', form: 'line' }),
    );
    const order = await compaction(tenant);
    expect(order).toMatchObject({ tenantId: tenant.tenantId, compact: 1 });
    expect((await queue([order])).explicitAcks).toHaveLength(1);
    const file = `${tenant.tenantId}/${DAY}/000000000001-000000000012`;
    expect(await stored(tenant)).toEqual([`${file}.index.json`, `${file}.ndjson.gz`, `${file}.proof`]);
    const object = (await env.AUDIT_ARCHIVE.get(`${file}.ndjson.gz`)) ?? expect.fail();
    const lines = await new Response(object.body.pipeThrough(new DecompressionStream('gzip'))).text();
    expect(lines).toBe(before.bodies.map((line) => `${line}\n`).join(''));
    expect(await text(`${file}.proof`)).toContain('"checkpoint"');
    await purge(tenant, 9);
    expect(seqs((await follow(tenant, '/audit/events?limit=5')).events).slice(0, 12)).toEqual(upTo(12));
    expect((await queue([order])).explicitAcks).toHaveLength(1);
    expect(await stored(tenant)).toHaveLength(3);
  });

  test('nothing is deleted unless the file is what the segments were', async () => {
    const tenant = await archivedTenant([3, 4]);
    const order = await compaction(tenant);
    await env.AUDIT_ARCHIVE.put(`${tenant.tenantId}/${DAY}/000000000001-000000000007.ndjson.gz`, 'something else');
    expect((await queue([order])).retryMessages).toHaveLength(1);
    const segments = [1, 4].map((first) => `${tenant.tenantId}/${DAY}/${String(first).padStart(12, '0')}`);
    const keys = await archived(`${tenant.tenantId}/`);
    for (const segment of segments)
      expect(keys.filter((key) => key.startsWith(segment) && key.endsWith('.ndjson.gz')).length).toBeGreaterThan(0);
    await purge(tenant, 6);
    expect(seqs((await follow(tenant, '/audit/events?limit=5')).events).slice(0, 7)).toEqual(upTo(7));
  });

  test('a destination that was away gets its events out of it', async () => {
    const id = mintTenant().services.newId('destination');
    const created = { action: 'siem.create', resource: { type: 'siem', id, name: 'Splunk' } } as const;
    const tenant = await archivedTenant([3, 4], (index) => (index === 0 ? created : {}));
    await queue([await compaction(tenant)]);
    await purge(tenant, 6);
    const claim = await tenant.ledger.claim({ destinationId: id, replay: false }, 100);
    if (claim === null || claim === 'done') expect.fail('no lease');
    expect(seqs(claim.bodies.map((body) => auditEvent.parse(JSON.parse(body))))).toEqual(upTo(7));
  });
});

describe('one query over the hot index and the archive', () => {
  const named = (index: number): Partial<DraftEvent> => ({
    time: new Date(Date.parse('2026-01-05T10:00:00.000Z') + index * 60_000).toISOString(),
    ...(index % 10 === 4 ? { action: 'template.delete', resource: { type: 'template', id: `tpl_${index}`, name: 'Old' } } : {}),
  });
  const tenantWith = async () => {
    const tenant = await archivedTenant([10, 10, 10], named);
    await queue([await compaction(tenant)]);
    await tenant.append(...drafts(tenant.services, 6, (index) => named(30 + index)));
    await purge(tenant, 25);
    return tenant;
  };

  test('in each order and mode, every event once', async () => {
    const tenant = await tenantWith();
    const polled = await follow(tenant, '/audit/events?limit=7');
    expect(seqs(polled.events).slice(0, 36)).toEqual(upTo(36));
    expect(polled.progress.length).toBeGreaterThan(2);
    expect(seqs((await follow(tenant, '/audit/events?limit=7&order=desc')).events).filter((seq) => seq <= 36)).toEqual(upTo(36).reverse());
    const range = 'since=2026-01-05T10:05:00Z&until=2026-01-05T10:32:00Z';
    for (const order of ['asc', 'desc']) {
      const { events } = await follow(tenant, `/audit/events?limit=7&order=${order}&${range}`);
      expect(seqs(events).sort((a, b) => a - b)).toEqual(upTo(32, 6));
    }
  });

  test('a filter finds the same in both', async () => {
    const tenant = await tenantWith();
    for (const order of ['asc', 'desc']) {
      const { events } = await follow(tenant, `/audit/events?order=${order}&action=template.delete&q=old`);
      expect(seqs(events).sort((a, b) => a - b)).toEqual([5, 15, 25, 35]);
    }
  });

  test('what is looked for by an exact value is read only where it may be', async () => {
    const tenant = await tenantWith();
    const read: string[] = [];
    const watched = new Proxy(env.AUDIT_ARCHIVE, {
      get: (target, key) => {
        if (key === 'get') return (name: string, options: R2GetOptions) => (read.push(name), target.get(name, options));
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const get = auditApi({ ...tenant.as('auditor'), archive: watched });
    expect((await get('GET', '/audit/events?order=desc&resourceId=tpl_nowhere')).body.items).toEqual([]);
    expect(read.filter((name) => name.endsWith('.ndjson.gz'))).toEqual([]);
    expect(seqs((await get('GET', '/audit/events?order=desc&resourceId=tpl_4')).body.items)).toEqual([5]);
    expect(read.filter((name) => name.endsWith('.ndjson.gz'))).toHaveLength(1);
  });
});

describe('exports', () => {
  const tenantWith = async () => {
    const tenant = await archivedTenant([4, 4], (index) => (index === 2 ? { action: 'template.delete' } : {}));
    await tenant.append(...drafts(tenant.services, 3));
    await purge(tenant, 6);
    return { ...tenant, get: auditFetch(tenant.as('auditor')) };
  };
  const linesIn = async (answer: Response) => (await answer.text()).trimEnd().split(/\r?\n/);

  test('hold all of it, from the archive and the hot index, and are recorded before they begin', async () => {
    const { get, events } = await tenantWith();
    const answer = await get('/audit/export');
    expect(answer.headers.get('Content-Disposition')).toMatch(/^attachment; filename="audit-test-\d{4}-\d\d-\d\d\.ndjson"$/);
    expect(answer.headers.get('X-Audit-Last-Seq')).toBe('11');
    expect((await linesIn(answer)).map((line) => auditEvent.parse(JSON.parse(line)).seq)).toEqual(upTo(11));
    await vi.waitFor(async () => {
      const [event] = await events({ action: 'audit.export' });
      expect(event).toMatchObject({ outcome: 'success', actor: { name: 'Ines' }, details: { format: 'ndjson', filter: null } });
    });
  });

  test('go on where they broke off', async () => {
    const { get } = await tenantWith();
    const [header = '', ...rows] = await linesIn(await get('/audit/export?format=csv&until=2100-01-01T00:00:00Z'));
    expect(header).toContain('"seq","id"');
    expect(rows).toHaveLength(11);
    expect((await linesIn(await get('/audit/export?format=csv&after=7'))).slice(0, 4)).toEqual(rows.slice(7));
  });

  test('are refused to whoever may not read the log, and for a wrong filter, before anything is sent', async () => {
    const { as, get } = await tenantWith();
    expect((await auditFetch(as('member'))('/audit/export')).status).toBe(403);
    expect((await get('/audit/export?filter=nonsense')).status).toBe(400);
  });

  test.each([
    ['whole', '', { kind: 'log', events: 11, first: 1, last: 11, provenTo: 11 }],
    ['chosen', '&filter=action%20eq%20%22template.delete%22', { kind: 'selection', events: 1 }],
  ])('prove themselves: %s', async (_, query, expected) => {
    const { get, ledger } = await tenantWith();
    const answer = await get(`/audit/export?format=proof${query}`);
    const [key = expect.fail()] = await ledger.checkpointKeys();
    const verdict = await verifyExport(linesOf(answer.body as unknown as AsyncIterable<Uint8Array>, 'export'), {
      sha256,
      verifiers: [await parseVerifierKey(key.verifierKey)],
    });
    expect(verdict).toMatchObject({ ok: true, fault: null, ...expected });
  });
});

describe('a ledger that is made anew from the archive', () => {
  const rebuilt = async (tenant: TestTenant) => {
    await tenant.ledger.rebuild(tenant.tenantId, 's0');
    for (let step = 0; step < 20 && (await tenant.ledger.rebuilding()) !== null; step++) {
      await silence(tenant.ledger);
      await runDurableObjectAlarm(tenant.ledger);
      if ((await tenant.ledger.rebuilding())?.fault) return;
    }
  };
  const lose = async (tenant: TestTenant) => {
    await runInDurableObject(tenant.ledger, (_, { storage }) => storage.deleteAll());
    await evictDurableObject(tenant.ledger);
    await silence(tenant.ledger);
    expect((await tenant.ledger.status()).size).toBe(0);
  };

  test('has the same numbers, the same root and the same answers, and goes on from there', async () => {
    const tenant = await archivedTenant([4, 5, 6], (index) => (index % 4 === 1 ? { action: 'template.delete' } : {}));
    await queue([await compaction(tenant)]);
    const [before, events] = [await tenant.ledger.status(), await tenant.events()];
    const proof = await tenant.ledger.proveInclusion(3, 10);
    await lose(tenant);
    await rebuilt(tenant);
    expect(await tenant.ledger.rebuilding()).toBeNull();
    // When the archive was last written, it can't know; it is when it learnt of it.
    expect(await tenant.ledger.status()).toEqual({ ...before, archivedAt: expect.any(String) });
    expect(await tenant.events()).toEqual(events);
    expect(seqs(await tenant.events({ action: 'template.delete' }))).toEqual([2, 6, 10, 14]);
    expect(await tenant.ledger.proveInclusion(3, 10)).toEqual(proof);
    await tenant.append(...events.slice(3, 5), draft(tenant.services));
    expect(seqs(await tenant.events())).toEqual(upTo(16));
  });

  test('is not begun while events are not archived', async () => {
    const tenant = await archivedTenant([3]);
    await tenant.append(draft(tenant.services));
    expect(await tenant.ledger.rebuild(tenant.tenantId, 's0')).toEqual({ notArchived: 1 });
    expect(seqs(await tenant.events())).toEqual(upTo(4));
  });

  test('stops where the archive lacks something, and says what', async () => {
    const tenant = await archivedTenant([3, 3]);
    await lose(tenant);
    const [first = expect.fail()] = (await archived(`${tenant.tenantId}/`)).filter((key) => key.endsWith('.ndjson.gz')).sort();
    await env.AUDIT_ARCHIVE.delete(first);
    await rebuilt(tenant);
    expect(await tenant.ledger.rebuilding()).toMatchObject({ fault: expect.stringContaining('has event 4 where 1 is due') });
  });
});
