import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import type { DraftEvent } from '../../../core/audit/event.ts';
import { linesOf } from '../../../core/audit/export-lines.ts';
import { verifyInclusion } from '../../../core/audit/merkle.ts';
import { parseVerifierKey } from '../../../core/audit/note.ts';
import { openCheckpoint } from '../../../core/audit/checkpoint.ts';
import { verifyExport } from '../../../core/audit/verify.ts';
import { insertDestination, secretAddress } from '../../../worker/audit/destinations.store.ts';
import { sha256 } from '../../../worker/audit/hash.ts';
import { GRACE_MS, HELD_AGAIN_MS, REFUSED_AGAIN_MS } from '../../../worker/audit/ledger.purge.ts';
import { auditApi } from '../../support/api.ts';
import { archived, draft, drafts, mintTenant } from '../../support/audit.ts';
import { onTestClock } from '../../support/ledger-clock.ts';

vi.setConfig({ testTimeout: 60_000 });

const DAY_MS = 24 * 60 * 60_000;
const setting = (days: number): Partial<DraftEvent> => ({
  action: 'tenant.update',
  resource: { type: 'tenant', id: 'tnt_test', name: 'Acme' },
  diff: [{ path: 'auditRetentionDays', old: 365, new: days, secret: false }],
});

/** A log of three days, which is to be kept for thirty: each day one file. */
async function threeDays(days = 30) {
  const tenant = mintTenant();
  const clock = await onTestClock(tenant);
  // Days begin early, so that hours of waiting end in the same one, whenever the test runs.
  clock.pass(DAY_MS - (clock.services.now().getTime() % DAY_MS));
  const { ledger, append, tenantId } = tenant;
  /** Whatever is due now, and the archive does what it is told; nothing is delivered. */
  const settle = async () => {
    for (let round = 0; round < 4; round++) {
      clock.pass(2_000);
      await clock.alarm();
      await clock.archive();
    }
  };
  const events = (count: number) => append(...drafts(clock.services, count));
  const ends: number[] = [];
  await append(draft(clock.services, setting(days)));
  for (let day = 0; day < 3; day++) {
    await events(3);
    await settle();
    ends.push((await ledger.status()).size);
    clock.pass(DAY_MS);
  }
  await settle();
  const purges = async () => (await tenant.events()).filter(({ action }) => action === 'audit.purge');
  const files = async () => (await archived(`${tenantId}/`)).filter((key) => key.endsWith('.ndjson.gz'));
  return { ...tenant, clock, settle, purges, files, more: events, firstDayEnds: ends[0] ?? expect.fail() };
}
type Log = Awaited<ReturnType<typeof threeDays>>;

/** A destination that has got everything. */
async function withDestination(log: Log): Promise<string> {
  const ctx = log.as('owner');
  const id = ctx.newId('destination');
  const secret = await ctx.secrets.seal(ctx.db, secretAddress(id), 'a-token-of-splunk');
  const config = { type: 'splunk-hec', url: 'https://splunk.test', index: '', source: 'gatehouse' } as const;
  const made = {
    ...{ id, name: 'Splunk', config, filter: '', format: 'native', secret },
    publicKey: null,
    rotatesUntil: null,
    replay: null,
  };
  await ctx.db.batch([insertDestination(ctx.db, { ...made, format: 'native', state: 'active', createdAt: ctx.now().toISOString() })]);
  await runInDurableObject(log.ledger, (_, { storage: { sql } }) => {
    sql.exec('INSERT INTO destinations (id, cursor) VALUES (?, ?)', id, Number(sql.exec('SELECT size FROM head').one()['size']));
  });
  return id;
}

/** The bucket as it is, but for what the test changes. */
const withBucket = ({ ledger }: Log, change: Partial<R2Bucket>) =>
  runInDurableObject(ledger, (instance) => {
    const bucket = new Proxy(env.AUDIT_ARCHIVE, {
      get: (target, key) => {
        const value: unknown = Reflect.get(change, key) ?? Reflect.get(target, key);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
    Object.assign(instance, { env: { ...(Reflect.get(instance, 'env') as object), AUDIT_ARCHIVE: bucket } });
  });

/** To the moment at which the first day is past retention, and the others are not. */
async function firstDayExpires(log: Log) {
  log.clock.pass(28 * DAY_MS);
  await log.settle();
  log.clock.pass(GRACE_MS);
  await log.settle();
}

const keyOf = async ({ ledger }: Log) => parseVerifierKey((await ledger.checkpointKeys())[0]?.verifierKey ?? expect.fail('no key'));

describe('events past retention', () => {
  test('leave the archive by whole days, the oldest first, and that is an event which tells which', async () => {
    const log = await threeDays();
    const before = await log.files();
    await firstDayExpires(log);
    expect(await log.files()).not.toContain(before[0]);
    expect(await log.files()).toEqual(expect.arrayContaining(before.slice(1)));
    const [purge = expect.fail('no purge'), ...others] = await log.purges();
    expect(others).toEqual([]);
    expect(purge).toMatchObject({ actor: { type: 'system' }, resource: { type: 'audit' }, outcome: 'success' });
    expect(purge.details).toMatchObject({ first: 1, last: log.firstDayEnds, days: 30 });
    const { oldest, retention, size, archivedTo } = await log.ledger.status();
    expect(oldest?.seq).toBe(log.firstDayEnds + 1);
    expect(String(purge.details['until']) <= (oldest?.time ?? '')).toBe(true);
    expect(retention).toEqual({ days: 30, heldBy: [] });
    expect(archivedTo).toBe(size);
    const objects = (await env.AUDIT_ARCHIVE.list({ prefix: `${log.tenantId}/` })).objects.map(({ key }) => key);
    expect(objects.filter((key) => key.startsWith((before[0] ?? '').replace('.ndjson.gz', '')))).toEqual([]);
    expect(await env.AUDIT_ARCHIVE.head(`latest/${log.tenantId}/checkpoint`)).not.toBeNull();
  });

  test('stay for as long as the organisation says: nothing goes a day early', async () => {
    const log = await threeDays(31);
    const before = await log.files();
    await firstDayExpires(log);
    expect(await log.files()).toEqual(expect.arrayContaining(before));
    expect(await log.purges()).toEqual([]);
    log.clock.pass(DAY_MS);
    await log.settle();
    expect(await log.purges()).toHaveLength(1);
  });

  test('all of a log may go but for the purge itself, and it goes on without a gap', async () => {
    const log = await threeDays();
    const { size } = await log.ledger.status();
    log.clock.pass(60 * DAY_MS);
    await log.settle();
    log.clock.pass(GRACE_MS);
    await log.settle();
    await log.more(2);
    await log.settle();
    const kept = await log.events();
    expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, index) => size + 1 + index));
    expect((await log.purges()).at(-1)?.details['last']).toBe(size);
    expect(await log.ledger.status()).toMatchObject({ oldest: { seq: size + 1 }, archivedTo: (await log.ledger.status()).size });
  });

  test('answer 410 to a cursor from before them, and a list without one begins behind them', async () => {
    const log = await threeDays();
    const api = auditApi(log.clock.as('auditor'));
    const { nextCursor } = (await api('GET', '/audit/events?limit=1')).body;
    await firstDayExpires(log);
    expect((await api('GET', `/audit/events?limit=1&cursor=${nextCursor}`)).body).toMatchObject({ status: 410, code: 'gone' });
    const { items } = (await api('GET', '/audit/events?limit=1')).body;
    expect(items[0].seq).toBe(log.firstDayEnds + 1);
    expect((await api('GET', '/audit/status')).body).toMatchObject({ oldest: { seq: items[0].seq }, retention: { days: 30, heldBy: [] } });
  });

  test('stay proven: their leaf, and a copy of the archive that begins behind them', async () => {
    const log = await threeDays();
    await firstDayExpires(log);
    const api = auditApi(log.clock.as('auditor'));
    const { body } = await api('GET', '/audit/proof?seq=2');
    expect(body).toMatchObject({ seq: 2, salt: null, event: null });
    const verifiers = [await keyOf(log)];
    const { size, root } = await openCheckpoint(body.checkpoint.note, verifiers);
    const [leaf, ...proof] = [body.leafHash, ...body.proof].map((hash: string) => new Uint8Array(Buffer.from(hash, 'base64')));
    expect(verifyInclusion(sha256, { index: 1, size, leaf: leaf ?? expect.fail(), root, proof })).toBe(true);

    const files = await log.files();
    async function* lines() {
      for (const file of files)
        for (const key of [file.replace('.ndjson.gz', '.proof'), file]) {
          const object = (await env.AUDIT_ARCHIVE.get(key)) ?? expect.fail(`no ${key}`);
          yield* linesOf(key === file ? object.body.pipeThrough(new DecompressionStream('gzip')) : object.body, key);
        }
    }
    const checkpoints = [(await (await env.AUDIT_ARCHIVE.get(`latest/${log.tenantId}/checkpoint`))?.text()) ?? expect.fail()];
    const verdict = await verifyExport(lines(), { sha256, verifiers, checkpoints });
    expect(verdict).toMatchObject({ ok: true, first: log.firstDayEnds + 1, last: (await log.ledger.status()).archivedTo, fault: null });
  });
});

describe('the setting', () => {
  test('comes by the event of its change, and holds from then on', async () => {
    const log = await threeDays(365);
    await firstDayExpires(log);
    expect(await log.purges()).toEqual([]);
    await log.append(draft(log.clock.services, setting(30)));
    await log.settle();
    expect((await log.ledger.status()).retention.days).toBe(30);
    expect((await log.purges()).map(({ details }) => details['last'])).toEqual([log.firstDayEnds]);
  });

  test('is not changed by an attempt that was refused, nor to less than a month', async () => {
    const { ledger, append, services } = mintTenant();
    await append(draft(services, { ...setting(40), outcome: 'denied' }), draft(services, setting(1)));
    expect((await ledger.status()).retention.days).toBe(365);
  });
});

describe('a purge that breaks off', () => {
  test('between its event and the deletion, or in it, is carried out later, and recorded once', async () => {
    const log = await threeDays();
    const before = await log.files();
    log.clock.pass(28 * DAY_MS);
    await log.settle();
    expect(await log.purges()).toHaveLength(1);
    expect(await log.files()).toContain(before[0]);
    expect((await log.ledger.status()).oldest?.seq).toBe(log.firstDayEnds + 1);

    let tries = 0;
    await withBucket(log, { delete: async () => Promise.reject(new Error(`the bucket is locked, try ${++tries}`)) });
    log.clock.pass(GRACE_MS);
    await log.settle();
    expect(tries).toBe(1);
    await log.settle();
    expect(tries).toBe(1);
    expect(await log.files()).toContain(before[0]);

    await withBucket(log, {});
    log.clock.pass(REFUSED_AGAIN_MS);
    await log.settle();
    expect(await log.files()).not.toContain(before[0]);
    expect(await log.purges()).toHaveLength(1);
  });

  test('deletes nothing before its event lies in the archive', async () => {
    const log = await threeDays();
    const before = await log.files();
    log.clock.pass(28 * DAY_MS);
    await log.clock.alarm();
    for (let round = 0; round < 4; round++) {
      log.clock.pass(2 * GRACE_MS);
      await log.clock.alarm();
    }
    expect(await log.purges()).toHaveLength(1);
    expect(await log.files()).toContain(before[0]);
    await log.clock.archive();
    log.clock.pass(GRACE_MS);
    await log.settle();
    expect(await log.files()).not.toContain(before[0]);
  });
});

describe('a destination that is behind', () => {
  test('holds the purge, and the status names it; a replay does, too', async () => {
    const log = await threeDays();
    const id = log.services.newId('destination');
    await runInDurableObject(log.ledger, (_, { storage: { sql } }) => {
      sql.exec('INSERT INTO destinations (id, cursor) VALUES (?, 2), (?, 100)', id, 'dst_other');
      sql.exec("INSERT INTO destinations (id, cursor, until, replay_id) VALUES (?, 1, 3, 'rpl_1')", 'dst_other/replay');
    });
    const before = await log.files();
    await firstDayExpires(log);
    expect(await log.files()).toEqual(expect.arrayContaining(before));
    expect(await log.purges()).toEqual([]);
    expect((await log.ledger.status()).retention.heldBy).toEqual(['dst_other', id].sort());
    const move = (lane: string) =>
      runInDurableObject(log.ledger, (_, { storage }) => void storage.sql.exec('UPDATE destinations SET cursor = 100 WHERE id = ?', lane));
    await move(id);
    log.clock.pass(HELD_AGAIN_MS);
    await log.settle();
    expect(await log.purges()).toEqual([]);
    await log.ledger.endReplay('dst_other', 'cancelled');
    log.clock.pass(HELD_AGAIN_MS);
    await log.settle();
    expect(await log.purges()).toHaveLength(1);
    expect((await log.ledger.status()).retention.heldBy).toEqual([]);
  });
});

describe('what was purged can’t be sent any more', () => {
  test('a replay from before it begins behind it, and one of nothing else is refused', async () => {
    const log = await threeDays();
    const id = await withDestination(log);
    await firstDayExpires(log);
    const api = auditApi(log.clock.as('owner'));
    const refused = await api('POST', `/siem-destinations/${id}/replay`, { from: 1, to: log.firstDayEnds });
    expect(refused.body).toMatchObject({ status: 422, errors: [{ path: 'from', message: expect.stringContaining('past retention') }] });
    const { status, body } = await api('POST', `/siem-destinations/${id}/replay`, { from: 1 });
    expect(status).toBe(202);
    expect(body.replay).toMatchObject({ first: log.firstDayEnds + 1 });
    await vi.waitFor(async () => expect((await log.events()).map(({ action }) => action)).toContain('siem.replay.start'));
    const claim = await log.ledger.claim({ destinationId: id, replay: true }, 1);
    const bodies = claim !== null && claim !== 'done' ? claim.bodies : expect.fail('nothing is sent again');
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ seq: log.firstDayEnds + 1 });
  });

  test('nor an event that was set aside: it can only be dismissed', async () => {
    const log = await threeDays();
    const id = await withDestination(log);
    await firstDayExpires(log);
    await runInDurableObject(log.ledger, (_, { storage }) => {
      storage.sql.exec(
        "INSERT INTO set_aside (destination_id, seq, event_id, action, time, at, reason) VALUES (?, 2, 'e', 'audit.read', '', 0, '')",
        id,
      );
    });
    const api = auditApi(log.clock.as('owner'));
    const { body } = await api('POST', `/siem-destinations/${id}/set-aside/retry`, { seqs: [2] });
    expect(body.items).toEqual([{ seq: 2, ok: false, status: null, message: 'The event is past retention: dismiss it' }]);
    expect(await log.ledger.setAsideAfter(id, 0, 10)).toHaveLength(1);
    expect((await api('POST', `/siem-destinations/${id}/set-aside/dismiss`, { seqs: [2] })).body).toEqual({ dismissed: 1 });
  });
});

describe('a ledger that is made anew after a purge', () => {
  const lose = async ({ ledger, tenantId }: Log) => {
    await runInDurableObject(ledger, (_, { storage }) => storage.deleteAll());
    await evictDurableObject(ledger);
    await ledger.rebuild(tenantId, 's0');
    for (let step = 0; step < 20; step++) {
      const state = await ledger.rebuilding();
      if (state === null || state.fault !== null) return state;
      await runDurableObjectAlarm(ledger);
    }
    return expect.fail('it is not done');
  };

  test('begins behind it, with the same root, the same setting and the same proofs of what is left', async () => {
    const log = await threeDays();
    await firstDayExpires(log);
    await log.settle();
    const id = await withDestination(log);
    const before = await log.ledger.status();
    expect(before.archivedTo).toBe(before.size);
    const proof = await log.ledger.proveInclusion(log.firstDayEnds + 2, before.size);
    expect(await lose(log)).toBeNull();
    const { size, root, oldest, retention } = await log.ledger.status();
    expect({ size, root, seq: oldest?.seq, days: retention.days }).toEqual({
      ...{ size: before.size, root: before.root, seq: log.firstDayEnds + 1, days: 30 },
    });
    expect(await log.ledger.proveInclusion(log.firstDayEnds + 2, before.size)).toEqual(proof);
    expect(await log.ledger.proveInclusion(2, before.size)).toMatchObject({ refused: 'forgotten' });
    expect(await log.ledger.deliveryStatus()).toMatchObject([{ destinationId: id, deliveredTo: log.firstDayEnds }]);
    const answer = await auditApi(log.clock.as('auditor'))('GET', '/audit/proof?seq=2');
    expect(answer.body).toMatchObject({ status: 410, code: 'gone' });
  });

  test('believes no beginning that no purge explains', async () => {
    const log = await threeDays(365);
    const [first = expect.fail()] = await log.files();
    await env.AUDIT_ARCHIVE.delete(first);
    expect(await lose(log)).toMatchObject({ fault: expect.stringContaining('where 1 is due') });
  });
});
