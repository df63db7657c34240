import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { linesOf } from '../../../core/audit/export-lines.ts';
import { parseVerifierKey } from '../../../core/audit/note.ts';
import { verifyExport } from '../../../core/audit/verify.ts';
import { archiveSegment } from '../../../worker/audit/archive.ts';
import { sha256 } from '../../../worker/audit/hash.ts';
import { auditApi, auditFetch } from '../../support/api.ts';
import { archived, draft, drafts, forgetArchived } from '../../support/audit.ts';
import { erasableLog, heldOf, placesOf, type ErasableLog } from '../../support/erasure.ts';

vi.setConfig({ testTimeout: 60_000 });

const DAY_MS = 24 * 60 * 60_000;

/** Others, a life, others: archived, and in daily files if days have passed. */
async function lived(days: 'today' | 'compacted' = 'today') {
  const log = await erasableLog();
  await log.others(5);
  await log.settle();
  await log.append(...log.person.life());
  await log.settle();
  await log.others(5);
  await log.settle();
  if (days === 'compacted') {
    log.clock.pass(2 * DAY_MS);
    await log.settle(8);
  }
  return log;
}

const seqsOf = async (log: ErasableLog) => (await log.events()).map(({ seq }) => seq);
const keyOf = async ({ ledger }: ErasableLog) => parseVerifierKey((await ledger.checkpointKeys())[0]?.verifierKey ?? expect.fail('no key'));
async function* textLines(text: string) {
  yield* linesOf(new Blob([text]).stream() as never as AsyncIterable<Uint8Array>, 'export');
}
const exported = async (log: ErasableLog, query: string) => {
  const answer = await auditFetch(log.clock.as('auditor'))(`/audit/export?${query}`);
  return answer.text();
};
const verified = async (log: ErasableLog) =>
  verifyExport(textLines(await exported(log, 'format=proof')), { sha256, verifiers: [await keyOf(log)], checkpoints: [] });
const fileNames = async (log: ErasableLog) => (await archived(`${log.tenantId}/`)).filter((key) => key.endsWith('.gz'));

describe.each(['today', 'compacted'] as const)('a person who is erased (%s)', (days) => {
  test('is found nowhere, and the others are as they were, to the byte', async () => {
    const log = await lived(days);
    expect(placesOf(await heldOf(log), log.person.secrets)).not.toEqual([]);
    const theirs = async () =>
      (await log.ledger.query({ limit: 1000, order: 'asc', by: 'seq', actorId: 'usr_test', action: 'template.create' })).bodies;
    const before = await theirs();
    const done = await log.erase();
    expect(done).toMatchObject({ state: 'done', inArchive: 0, refusal: null });
    expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
    expect(await theirs()).toEqual(before);
    expect(await verified(log)).toMatchObject({ ok: true, first: 1, erased: { count: done?.erased } });
    expect(placesOf(new Map([['export', await exported(log, 'format=ndjson')]]), log.person.secrets)).toEqual([]);
    expect((await log.ledger.status()).erased).toBe(done?.erased);
  });

  test('the archive alone is proven, too, and a ledger made of it knows what is erased', async () => {
    const log = await lived(days);
    const done = await log.erase();
    await log.settle();
    const { size, root } = await log.ledger.status();
    await log.ledger.rebuild(log.tenantId, 's0');
    await vi.waitFor(async () => {
      await log.clock.alarm();
      expect(await log.ledger.rebuilding()).toBeNull();
    });
    expect(await log.ledger.status()).toMatchObject({ size, root, erased: done?.erased });
    expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
    expect(await verified(log)).toMatchObject({ ok: true });
    await log.others(2);
    await log.settle();
    expect((await log.ledger.status()).archivedTo).toBe((await log.ledger.status()).size);
  });

  test('stays erased when the hot index has let go, and for every way of reading', async () => {
    const log = await lived(days);
    const kept = await seqsOf(log);
    const done = await log.erase();
    await log.settle();
    await forgetArchived(log);
    const api = auditApi(log.clock.as('auditor'));
    const seen: number[] = [];
    let cursor = '';
    for (let page = 0; page < 40; page++) {
      const { body } = await api('GET', `/audit/events?limit=7${cursor}`);
      seen.push(...body.items.map(({ seq }: { seq: number }) => seq));
      cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
      if (!body.hasMore) break;
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    expect(kept.filter((seq) => !seen.includes(seq))).toHaveLength(done?.erased ?? -1);
    expect((await api('GET', `/audit/events?actorId=${log.person.id}&until=2099-01-01T00:00:00Z`)).body.items).toEqual([]);
    expect(await verified(log)).toMatchObject({ ok: true, erased: { count: done?.erased } });
  });
});

describe('an erasure', () => {
  test('is an event when it is ordered and one when it is done, by the id alone, with how many', async () => {
    const log = await lived();
    const done = await log.erase();
    const told = (await log.events()).filter(({ action }) => action.startsWith('audit.erase'));
    expect(told.map(({ action }) => action)).toEqual(['audit.erase', 'audit.erase.finish']);
    expect(told[0]).toMatchObject({ resource: { id: log.person.id, name: log.person.id }, details: { why: 'asked' } });
    expect(told[1]).toMatchObject({ actor: { type: 'system' }, outcome: 'success', resource: { id: log.person.id, name: log.person.id } });
    expect(told[1]?.details['events']).toBe(done?.erased);
  });

  test('leaves the finding, but not whom it was about', async () => {
    const log = await lived();
    const before = await log.ledger.findings({ limit: 10 });
    expect(before.map(({ rule }) => rule)).toContain('brute-force');
    await log.erase();
    const after = await log.ledger.findings({ limit: 10 });
    expect(after.map(({ id, events }) => [id, events])).toEqual(before.map(({ id, events }) => [id, events]));
    expect(after.find(({ rule }) => rule === 'brute-force')).toMatchObject({ subject: 'Somebody erased' });
  });

  test('shows what is left of an event with its proof, and when it was erased', async () => {
    const log = await lived();
    await log.erase();
    const { body } = await auditApi(log.clock.as('auditor'))('GET', '/audit/proof?seq=7');
    expect(body).toMatchObject({ seq: 7, salt: null, event: null, erased: expect.stringMatching(/^\d{4}-/) });
  });

  test('does not take what somebody named after the person, nor a later holder of the address', async () => {
    const log = await lived();
    const { id, email } = log.person;
    const named = draft(log.clock.services, { resource: { type: 'template', id: 'tpl_x', name: `${id} ${email}` } });
    const other = { type: 'user' as const, id: log.services.newId('user'), name: 'Zoe', email, via: 'session' };
    const heir = draft(log.clock.services, { actor: other, action: 'template.update' });
    await log.append(named, heir);
    await log.erase();
    const left = (await log.events()).map((event) => event.id);
    expect(left).toEqual(expect.arrayContaining([named.id, heir.id]));
  });

  test('takes what comes late, but only what an object of ours tells; and each id is still taken once', async () => {
    const log = await lived();
    const late = log.person.act({ action: 'workspace.stop', resource: { type: 'workspace', id: 'wsp_x', name: 'box' } });
    const [known] = (await log.events()).filter(({ actor }) => actor.id === log.person.id);
    await log.erase();
    const { size } = await log.ledger.status();
    const { seq: _seq, recordedAt: _recordedAt, ...again } = known ?? expect.fail();
    await log.append(again);
    expect((await log.ledger.status()).size).toBe(size);
    await log.append(late);
    await log.settle(40);
    expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
    expect(await log.status()).toMatchObject({ state: 'done' });
    const forged = {
      ...log.person.act({ action: 'workspace.start', resource: { type: 'workspace', id: 'wsp_y', name: 'box' } }),
      time: late.time,
    };
    await log.services.ledger.tell(log.tenantId, 's0', `runner:run_x`, [forged]);
    expect((await log.events()).map((event) => event.id)).toContain(forged.id);
  });

  test('is passed over on the way to a destination, whose cursor goes on', async () => {
    const log = await lived();
    await runInDurableObject(
      log.ledger,
      (_, { storage: { sql } }) => void sql.exec("INSERT INTO destinations (id, cursor) VALUES ('snk_x', 4)"),
    );
    await log.erase();
    const lane = { destinationId: 'snk_x', replay: false };
    const { size } = await log.ledger.status();
    let [at, bodies]: [number, string[]] = [4, []];
    while (at < size) {
      const claim = await log.ledger.claim(lane, 3);
      if (claim === null || claim === 'done') expect.fail(`nothing to claim behind ${at}`);
      expect(claim).toMatchObject({ first: at + 1, last: Math.min(at + 3, size) });
      bodies = [...bodies, ...claim.bodies];
      at = claim.last;
      await log.ledger.advance(lane, claim.lease, at, null);
    }
    expect(placesOf(new Map([['sent', bodies.join('')]]), log.person.secrets)).toEqual([]);
    expect(bodies.length).toBe(size - 4 - ((await log.status())?.erased ?? 0));
  });

  test('takes what destinations had set aside, on their lists and in the archive', async () => {
    const log = await lived();
    const key = `${log.tenantId}/quarantine/snk_x/000000000007.json`;
    await env.AUDIT_ARCHIVE.put(key, JSON.stringify({ event: log.person.act() }));
    await env.AUDIT_ARCHIVE.put(`${log.tenantId}/quarantine/snk_x/000000000002.json`, '{}');
    await runInDurableObject(
      log.ledger,
      (_, { storage: { sql } }) =>
        void sql.exec(
          `INSERT INTO set_aside (destination_id, seq, event_id, action, time, at, reason) VALUES ('snk_x', 7, 'evt_x', 'user.join', '', 0, 'no ${log.person.email}')`,
        ),
    );
    await log.erase();
    expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
    expect(await archived(`${log.tenantId}/quarantine`)).toEqual([`${log.tenantId}/quarantine/snk_x/000000000002.json`]);
  });
});

describe('an erasure that breaks off', () => {
  test.each(['today', 'compacted'] as const)('at each call of the archive goes on where it was (%s)', async (days) => {
    const log = await lived(days);
    let calls = 0;
    const failing = <T extends 'put' | 'get' | 'delete' | 'list'>(name: T) =>
      (async (...args: unknown[]) => {
        const luck = (Math.imul(++calls, 2_654_435_761) >>> 0) % 5;
        if (luck === 0) throw new Error('the object was evicted');
        const done = await (env.AUDIT_ARCHIVE[name] as (...given: unknown[]) => Promise<unknown>)(...args);
        // Done, and nobody hears of it.
        if (luck === 1) throw new Error('the object was evicted behind it');
        return done;
      }) as never as R2Bucket[T];
    await log.withBucket({ put: failing('put'), get: failing('get'), delete: failing('delete'), list: failing('list') });
    await log.append(log.person.order());
    for (let round = 0; round < 200 && (await log.status())?.state !== 'done'; round++) {
      log.clock.pass(60 * 60_000);
      await log.settle(1);
    }
    expect(await log.status()).toMatchObject({ state: 'done', inArchive: 0, refusal: null });
    expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
    expect(await verified(log)).toMatchObject({ ok: true });
  });

  test('between the file of a segment and the word of it: the one who archives finds the same file, and it is erased', async () => {
    const log = await erasableLog();
    await log.append(...log.person.life());
    log.clock.pass(2_000);
    await log.clock.alarm();
    const [pointer] = log.clock.segments.splice(0);
    const { first, last } = pointer as { first: number; last: number };
    const file = (await log.ledger.segment(first, last)) ?? expect.fail();
    const { gzipSync } = await import('node:zlib');
    await env.AUDIT_ARCHIVE.put(file.key, gzipSync(file.ndjson), { customMetadata: { sha256: 'of before' } });
    await log.append(log.person.order());
    await log.settle(8);
    expect(await log.status()).toMatchObject({ state: 'rewriting' });
    await archiveSegment(env.AUDIT_ARCHIVE, log.clock.services, { tenantId: log.tenantId, shard: 's0', first, last });
    await log.settle(20);
    expect(await log.status()).toMatchObject({ state: 'done' });
    expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
  });
});

describe('a bucket that is locked', () => {
  test.each(['today', 'compacted'] as const)(
    'holds it up: that is said, nothing is shown all the same, and it is tried again (%s)',
    async (days) => {
      const log = await lived(days);
      const refuse = async () => {
        throw new Error('The object is locked');
      };
      await log.withBucket({ put: refuse, delete: refuse });
      await log.append(log.person.order());
      // Not so long that the day of those files is over: they become part of a larger one then.
      for (let round = 0; round < 15; round++) {
        log.clock.pass(3 * 60_000);
        await log.settle(1);
      }
      const held = await log.status();
      expect(held).toMatchObject({ state: 'held', refusal: expect.stringContaining('locked'), endedAt: null });
      const failures = (await log.events()).filter(({ action }) => action === 'audit.erase.finish');
      expect(failures).toMatchObject([{ outcome: 'failure', reason: expect.stringContaining('locked') }]);
      await log.settle();
      await forgetArchived(log);
      expect(placesOf(new Map([['export', await exported(log, 'format=proof')]]), log.person.secrets)).toEqual([]);
      expect(await verified(log)).toMatchObject({ ok: true });
      await log.withBucket({
        put: env.AUDIT_ARCHIVE.put.bind(env.AUDIT_ARCHIVE),
        delete: env.AUDIT_ARCHIVE.delete.bind(env.AUDIT_ARCHIVE),
      });
      for (let round = 0; round < 40; round++) {
        log.clock.pass(6 * 60 * 60_000);
        await log.settle(1);
      }
      expect(await log.status()).toMatchObject({ state: 'done', inArchive: 0 });
      expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
      expect(await fileNames(log)).not.toEqual([]);
    },
  );
});

test('compaction that read a day before goes on: what it wrote is erased, too', async () => {
  const log = await lived();
  log.clock.pass(2 * DAY_MS);
  await log.clock.alarm();
  const orders = log.clock.segments.splice(0).filter((order) => 'compact' in order);
  expect(orders).toHaveLength(1);
  const { compact } = await import('../../../worker/audit/compaction.ts');
  const reading = new Map<string, R2ObjectBody | null>();
  const { objects } = await env.AUDIT_ARCHIVE.list({ prefix: `${log.tenantId}/` });
  for (const { key } of objects) reading.set(key, await env.AUDIT_ARCHIVE.get(key));
  await log.erase(10);
  const stale = new Proxy(env.AUDIT_ARCHIVE, {
    get: (target, key) => {
      if (key === 'get') return async (name: string, options?: R2GetOptions) => reading.get(name) ?? target.get(name, options);
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  const [order] = orders;
  if (!order || !('compact' in order)) return expect.fail();
  await compact(stale, log.clock.services, order);
  for (let round = 0; round < 60; round++) {
    log.clock.pass(60_000);
    await log.settle(1);
  }
  expect(await log.status()).toMatchObject({ state: 'done' });
  expect(placesOf(await heldOf(log), log.person.secrets)).toEqual([]);
  expect(await verified(log)).toMatchObject({ ok: true });
});

test('five thousand events of one person go in steps, and it says how far it is', async () => {
  const log = await erasableLog();
  for (let batch = 0; batch < 5; batch++) {
    await log.append(...drafts(log.clock.services, 500), ...Array.from({ length: 500 }, () => log.person.act()));
    await log.settle(2);
  }
  await log.append(log.person.order());
  log.clock.pass(10);
  await log.clock.alarm();
  const underWay = (await log.status()) ?? expect.fail();
  expect(underWay.state).toBe('looking');
  expect(underWay.looked.done).toBeGreaterThan(0);
  expect(underWay.looked.done).toBeLessThan(underWay.looked.of);
  for (let round = 0; round < 60 && (await log.status())?.state !== 'done'; round++) await log.settle(1);
  expect(await log.status()).toMatchObject({ state: 'done', erased: 2_500 });
});
