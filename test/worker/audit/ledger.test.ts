import { createHash } from 'node:crypto';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf } from '../../../core/audit/merkle.ts';
import { readSegmentLines } from '../../support/archive-reader.ts';
import { archived, draft, drafts, mintTenant } from '../../support/audit.ts';
import { commit, eventOf } from '../../../worker/platform/commit.ts';

vi.setConfig({ testTimeout: 40_000 });

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const seqs = (events: Array<{ seq: number }>) => events.map(({ seq }) => seq);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the ledger takes each event once and numbers without gaps', () => {
  test('the same batch twice is one event', async () => {
    const { services, append, events, ledger } = mintTenant();
    const event = draft(services);
    await append(event);
    await append(event);
    expect((await events()).map(({ id, seq }) => ({ id, seq }))).toEqual([{ id: event.id, seq: 1 }]);
    expect((await ledger.status()).size).toBe(1);
  });

  test('the same id from two sources is two events', async () => {
    const { services, ledger, tenantId, events } = mintTenant();
    const event = draft(services);
    for (const source of ['runner:run_1', 'runner:run_2'])
      await ledger.append({ tenantId, shard: 's0', source, batches: [{ outboxId: 'one', events: [event] }] });
    expect(seqs(await events())).toEqual([1, 2]);
  });

  test('many at once: every one, numbers without a gap, recorded in order', async () => {
    const { services, append, events } = mintTenant();
    const all = drafts(services, 120);
    await Promise.all(upTo(40).map((n) => append(...all.slice((n - 1) * 3, n * 3))));
    const kept = await events();
    expect(seqs(kept)).toEqual(upTo(120));
    expect(kept.map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort());
    expect(kept.map(({ recordedAt }) => recordedAt)).toEqual(kept.map(({ recordedAt }) => recordedAt).sort());
  });

  test('a batch with one thing that is no event changes nothing', async () => {
    const { services, tenantId, ledger } = mintTenant();
    const broken = { ...draft(services), action: 'made.up' as 'audit.read' };
    const request = { tenantId, shard: 's0', source: 'api', batches: [{ outboxId: 'one', events: [draft(services), broken] }] };
    await runInDurableObject(ledger, (instance) =>
      expect(instance.append(request)).rejects.toThrow('Not an event: batches.0.events.1.action'),
    );
    expect((await ledger.status()).size).toBe(0);
  });

  test('another tenant’s events are refused', async () => {
    const { services, append, ledger } = mintTenant();
    await append(draft(services));
    const batches = [{ outboxId: 'one', events: [draft(services)] }];
    await runInDurableObject(ledger, (instance) =>
      expect(instance.append({ tenantId: 'tnt_other', shard: 's0', source: 'api', batches })).rejects.toThrow('another tenant'),
    );
  });

  test('an object that is thrown out in between goes on where it was', async () => {
    const { services, append, events, ledger } = mintTenant();
    const [first, second] = drafts(services, 2);
    await append(first ?? expect.fail());
    const { root } = await ledger.status();
    await evictDurableObject(ledger);
    expect((await ledger.status()).root).toBe(root);
    await append(first ?? expect.fail(), second ?? expect.fail());
    expect(seqs(await events())).toEqual([1, 2]);
  });
});

describe('segments', () => {
  test('the alarm seals what waits and announces it', async () => {
    const { services, append, ledger } = mintTenant();
    await append(...drafts(services, 3));
    expect(await runDurableObjectAlarm(ledger)).toBe(true);
    const sealed = await runInDurableObject(ledger, (_, { storage }) =>
      storage.sql.exec('SELECT first, last, announcements FROM segments').toArray(),
    );
    expect(sealed).toEqual([{ first: 1, last: 3, announcements: 1 }]);
  });

  test('a segment holds at most a thousand events', async () => {
    const { services, append, ledger } = mintTenant();
    await append(...drafts(services, 1_100));
    await runDurableObjectAlarm(ledger);
    const sealed = await runInDurableObject(ledger, (_, { storage }) => storage.sql.exec('SELECT first, last FROM segments').toArray());
    expect(sealed).toEqual([
      { first: 1, last: 1_000 },
      { first: 1_001, last: 1_100 },
    ]);
  });

  test('an alarm whose duty fails leaves the next alarm armed', async () => {
    const { services, append, ledger } = mintTenant();
    await append(draft(services));
    await runInDurableObject(ledger, (instance) => {
      Object.assign(instance, { env: { ...env, ARCHIVE_QUEUE: { sendBatch: () => Promise.reject(new Error('queue is down')) } } });
    });
    await runDurableObjectAlarm(ledger);
    await runInDurableObject(ledger, async (_, { storage }) => {
      expect(await storage.getAlarm()).not.toBeNull();
      expect(storage.sql.exec('SELECT first, last, announcements FROM segments').toArray()).toEqual([
        { first: 1, last: 1, announcements: 1 },
      ]);
    });
  });
});

describe('from the commit to the archive, by the real queue', () => {
  test('every line hashes to its leaf, the leaves to the root, and the outbox is empty', async () => {
    const { tenantId, as, ledger } = mintTenant();
    const ctx = as('owner');
    const ids: string[] = [];
    for (const name of ['Älpler', '\ud800 half a pair', 'Ende']) {
      const event = eventOf(ctx, { action: 'template.create', resource: { type: 'template', id: null, name } });
      ids.push(event.id);
      await commit(ctx, { events: [event] });
    }
    await vi.waitFor(async () => expect((await ledger.status()).archivedTo).toBe(3), { timeout: 20_000, interval: 100 });

    const lines = (await Promise.all((await archived(`${tenantId}/`)).map(readSegmentLines))).flat();
    expect(lines.map(({ event }) => event.id).sort()).toEqual(ids.sort());
    expect(lines.map(({ event }) => event.seq)).toEqual([1, 2, 3]);
    const frontier = lines.reduce((tree, { salt, body }) => appendLeaf(sha256, tree, leafHash(sha256, sha256(salt, body))), EMPTY_FRONTIER);
    expect(Buffer.from(rootOf(sha256, frontier)).toString('base64')).toBe((await ledger.status()).root);
    await vi.waitFor(async () => expect(await ctx.db.rows('SELECT id FROM outbox WHERE tenant_id = ?', tenantId)).toEqual([]), {
      timeout: 10_000,
      interval: 100,
    });
  });
});

describe('the hot index', () => {
  const aged = async (ledger: ReturnType<typeof mintTenant>['ledger'], seq: number) =>
    runInDurableObject(ledger, (_, { storage }) => {
      storage.sql.exec("UPDATE events SET recorded_at = '2020-01-01T00:00:00.000Z' WHERE seq <= ?", seq);
    });
  const hot = (ledger: ReturnType<typeof mintTenant>['ledger']) =>
    runInDurableObject(ledger, (_, { storage }) => storage.sql.exec('SELECT count(*) AS count FROM events').one()['count']);

  test('what is old leaves it once it is archived, and never before', async () => {
    const { services, append, ledger } = mintTenant();
    await append(...drafts(services, 2));
    await aged(ledger, 2);
    await runInDurableObject(ledger, (instance, { storage }) => {
      Object.assign(instance, { env: { ...env, ARCHIVE_QUEUE: { sendBatch: async () => {} } } });
      storage.sql.exec('UPDATE head SET clear_at = NULL');
    });
    await runDurableObjectAlarm(ledger);
    expect(await hot(ledger)).toBe(2);
    await ledger.archived(1, 2, 'etag');
    await runDurableObjectAlarm(ledger);
    expect(await hot(ledger)).toBe(0);
    const { size, oldestHot } = await ledger.status();
    expect({ size, oldestHot }).toEqual({ size: 2, oldestHot: null });
  });
});

describe('cursors and leases of destinations', () => {
  /** A ledger with a destination that the queue is never told of, so that the test alone delivers. */
  async function withDestination() {
    const tenant = mintTenant();
    const id = tenant.services.newId('destination');
    await runInDurableObject(tenant.ledger, (instance) => {
      Object.assign(instance, { env: { ...env, DELIVERY_QUEUE: { sendBatch: async () => {} } } });
    });
    await tenant.append(draft(tenant.services, { action: 'siem.create', resource: { type: 'siem', id, name: 'Splunk' } }));
    await tenant.append(...drafts(tenant.services, 3));
    const lane = { destinationId: id, replay: false };
    const claim = async (limit = 100) => {
      const claimed = await tenant.ledger.claim(lane, limit);
      return claimed === null || claimed === 'done' ? expect.fail('no lease') : claimed;
    };
    return { ...tenant, lane, claim };
  }
  const delivered = (count: number) => ({ status: 200, delivered: count });
  const failure = (message: string, retryInSeconds: number) => ({ message, status: 503, retryInSeconds, held: false });
  const claimed = (bodies: string[]) => bodies.map((body) => (JSON.parse(body) as { seq: number }).seq);

  test('a claim begins with the destination’s own creation, and ends where it is told to', async () => {
    const { claim, ledger, lane } = await withDestination();
    const first = await claim(2);
    expect(claimed(first.bodies)).toEqual([1, 2]);
    expect(await ledger.advance(lane, first.lease, 2, delivered(2))).toBe(true);
    expect(claimed((await claim()).bodies)).toEqual([3, 4]);
  });

  test('a batch that was not settled comes again as it was, however much has been recorded since', async () => {
    const { claim, ledger, lane, services, append } = await withDestination();
    const { lease } = await claim();
    await ledger.fail(lane, lease, failure('busy', 0));
    await append(draft(services));
    const again = await claim();
    expect(claimed(again.bodies)).toEqual([1, 2, 3, 4]);
    await ledger.advance(lane, again.lease, 4, delivered(4));
    expect(claimed((await claim()).bodies)).toEqual([5]);
  });

  test('one lease at a time', async () => {
    const { claim, ledger, lane } = await withDestination();
    await claim();
    expect(await ledger.claim(lane, 100)).toBeNull();
  });

  test('a lease that ran out moves nothing any more', async () => {
    const { claim, ledger, lane } = await withDestination();
    const late = await claim();
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('UPDATE destinations SET lease_until = 0'));
    const next = await claim();
    expect(await ledger.advance(lane, late.lease, 4, delivered(4))).toBe(false);
    expect(await ledger.fail(lane, late.lease, failure('too late', 5))).toBe(false);
    expect((await ledger.deliveryStatus())[0]).toMatchObject({ deliveredTo: 0, lastError: null });
    expect(await ledger.advance(lane, next.lease, 4, delivered(4))).toBe(true);
  });

  test('a cursor goes neither back nor beyond what is recorded', async () => {
    const { claim, ledger, lane, services, append } = await withDestination();
    const first = await claim();
    expect(await ledger.advance(lane, first.lease, 1_000, delivered(4))).toBe(true);
    expect((await ledger.deliveryStatus())[0]?.deliveredTo).toBe(4);
    await append(draft(services));
    const second = await claim();
    await ledger.advance(lane, second.lease, 2, delivered(0));
    expect((await ledger.deliveryStatus())[0]?.deliveredTo).toBe(4);
  });

  test('after a failure nothing is claimed until it is due', async () => {
    const { claim, ledger, lane } = await withDestination();
    const { lease } = await claim();
    expect(await ledger.fail(lane, lease, failure('busy', 60))).toBe(true);
    expect(await ledger.claim(lane, 100)).toBeNull();
    await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('UPDATE destinations SET not_before = 0'));
    expect((await claim()).failures).toBe(1);
  });

  test('a destination that is not in the database any more is forgotten', async () => {
    const { services, append, ledger } = mintTenant();
    await append(draft(services, { action: 'siem.create', resource: { type: 'siem', id: services.newId('destination'), name: 'Gone' } }));
    expect(await ledger.deliveryStatus()).toHaveLength(1);
    await vi.waitFor(async () => expect(await ledger.deliveryStatus()).toEqual([]), { timeout: 15_000, interval: 100 });
  });
});
