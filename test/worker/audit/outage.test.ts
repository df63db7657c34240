import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { createTables } from '../../../worker/audit/ledger.schema.ts';
import { deliver } from '../../../worker/audit/delivery.ts';
import { auditApi } from '../../support/api.ts';
import { drafts, forgetArchived, mintTenant, type TestTenant } from '../../support/audit.ts';
import { Chance } from '../../support/chance.ts';
import { mintHec } from '../../support/doubles-client.ts';
import { onTestClock, type TestClock } from '../../support/ledger-clock.ts';
import { addDestination, KINDS, once, receiverOf, type Receiver } from '../../support/siem-api.ts';

vi.setConfig({ testTimeout: 120_000 });
const HOUR_MS = 60 * 60_000;

const made = async (kind: (typeof KINDS)[number]) => {
  const tenant = mintTenant();
  const clock = await onTestClock(tenant);
  const receiver = await receiverOf(kind);
  await receiver.clock(clock.now().getTime() - Date.now());
  const { id } = await addDestination(clock.as('owner'), receiver.body);
  await vi.waitFor(async () => expect(await tenant.events()).toHaveLength(1));
  return { tenant, clock, receiver, id };
};

/** Time passes and the ledger's alarm rings, until the destination has everything. */
async function drain({ tenant, clock, receiver }: { tenant: TestTenant; clock: TestClock; receiver: Receiver }) {
  for (let round = 0; round < 40; round++) {
    clock.pass(10 * 60_000);
    await receiver.clock(clock.now().getTime() - Date.now());
    await clock.step();
    const [status] = await tenant.ledger.deliveryStatus();
    if (status?.deliveredTo === (await tenant.ledger.status()).size) return;
  }
  expect.fail(`It does not catch up: ${JSON.stringify(await tenant.ledger.deliveryStatus())}`);
}

/** Drains until the receiver has, each once and in order, all that was recorded. The end of an outage is an event, too. */
async function everythingArrived(where: Parameters<typeof drain>[0], ids: Set<string>) {
  for (let round = 0; round < 5; round++) {
    await drain(where);
    for (const event of await where.tenant.events()) ids.add(event.id);
    if (once(await where.receiver.ids()).length === ids.size) break;
  }
  expect(once(await where.receiver.ids())).toEqual([...ids]);
}

describe('an outage of days', () => {
  test('a destination that was away for ten days catches up by itself from the archive, in order', async () => {
    const { tenant, clock, receiver, id } = await made('splunk-hec');
    await receiver.down(-1);
    let written = 1;
    const ids = new Set((await tenant.events()).map((event) => event.id));
    for (let day = 0; day < 10; day++) {
      const events = drafts(clock.services, 30);
      await tenant.append(...events);
      written += events.length;
      for (let part = 0; part < 4; part++) {
        clock.pass(6 * HOUR_MS);
        await clock.step();
      }
      for (const each of await tenant.events()) ids.add(each.id);
      await forgetArchived({ ...tenant, services: clock.services });
    }
    expect(ids.size).toBeGreaterThan(written);
    expect(await receiver.ids()).toEqual([]);
    // Nearly everything has left the hot index.
    expect((await tenant.events()).length).toBeLessThan(10);
    await receiver.down(0);
    await everythingArrived({ tenant, clock, receiver }, ids);
    const seqs = await receiver.seqs();
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    // It is told that it recovered, and that goes there as well.
    for (let round = 0; round < 3; round++) {
      clock.pass(60_000);
      await clock.step();
    }
    expect((await auditApi(clock.as('owner'))('GET', `/siem-destinations/${id}`)).body).toMatchObject({ state: 'active', lag: 0 });
  });

  test('a ledger of a former version delivers on from where it was', async () => {
    const { tenant, clock, receiver, id } = await made('splunk-hec');
    await tenant.append(...drafts(clock.services, 5));
    await runInDurableObject(tenant.ledger, (_, { storage: { sql } }) => {
      sql.exec('DROP TABLE destinations');
      sql.exec('DROP TABLE set_aside');
      sql.exec('DROP TABLE delivery_health');
      sql.exec(
        `CREATE TABLE destinations (id TEXT PRIMARY KEY, cursor INTEGER NOT NULL, paused INTEGER NOT NULL DEFAULT 0, lease TEXT,
           lease_until INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0, ring_at INTEGER, failures INTEGER NOT NULL DEFAULT 0,
           failing_since INTEGER, last_success_at INTEGER, last_error_at INTEGER, last_error TEXT) STRICT`,
      );
      sql.exec('INSERT INTO destinations (id, cursor, ring_at) VALUES (?, 2, 0)', id);
      createTables(sql);
      createTables(sql);
    });
    await drain({ tenant, clock, receiver });
    expect(await receiver.seqs()).toEqual([3, 4, 5, 6]);
  });
});

/** What may befall a consumer: its calls to the ledger never leave, or their answers never come. */
function dying(services: TestClock['services'], chance: Chance): TestClock['services'] {
  const risky = new Set<PropertyKey>(['advance', 'fail', 'setAside', 'claim']);
  const open: typeof services.ledger.open = (...where) =>
    new Proxy(services.ledger.open(...where), {
      get: (target, key) => {
        const method: unknown = Reflect.get(target, key);
        if (!risky.has(key) || typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          if (chance.oneIn(6)) throw new Error('killed before the call');
          const answer: unknown = await Reflect.apply(method, target, args);
          if (chance.oneIn(6)) throw new Error('killed before the answer');
          return answer;
        };
      },
    });
  return { ...services, ledger: { ...services.ledger, open } };
}

const SEEDS = env.TEST_SEED ? [Number(env.TEST_SEED)] : [1, 2, 3];

describe.each(KINDS)('%s: consumers that die, come twice, and find it failing', (kind) => {
  test.each(SEEDS)('nothing is lost, and nothing overtakes anything (SEED=%i)', async (seed) => {
    const chance = new Chance(seed);
    const { tenant, clock, receiver, id } = await made(kind);
    const bell = { tenantId: tenant.tenantId, shard: 's0', destinationId: id };
    const ring = (services: TestClock['services']) => deliver(env.AUDIT_ARCHIVE, services, bell).catch(() => undefined);
    const misfortunes = [
      () => receiver.down(1),
      () => receiver.drop(1),
      () => receiver.down(0).then(() => receiver.drop(0)),
      () => ring(dying(clock.services, chance)),
      () => Promise.all([ring(clock.services), ring(dying(clock.services, chance)), ring(clock.services)]),
      async () => clock.pass(chance.between(1, 40) * 1_000),
      () => tenant.append(...drafts(clock.services, chance.between(1, 8))),
      () => clock.step(),
      async () => {
        await clock.step();
        if (chance.oneIn(3)) await forgetArchived(tenant);
      },
    ];
    const ids = new Set<string>();
    for (let round = 0; round < 40; round++) {
      await chance.pick(misfortunes)();
      for (const event of await tenant.events()) ids.add(event.id);
    }
    await receiver.down(0);
    await receiver.drop(0);
    await everythingArrived({ tenant, clock, receiver }, ids);
    const seqs = await receiver.seqs();
    let highest = 0;
    for (const seq of seqs) {
      expect(seq, `${seqs.join(' ')}`).toBeLessThanOrEqual(highest + 1);
      highest = Math.max(highest, seq);
    }
    expect(await receiver.violations()).toEqual([]);
  });
});

describe('a batch that comes again', () => {
  test('is the same batch, although more has been recorded: a webhook’s id and body stay the same', async () => {
    const { tenant, clock, receiver } = await made('webhook');
    await receiver.down(1);
    await tenant.append(...drafts(clock.services, 3));
    clock.pass(2_000);
    await clock.step();
    await tenant.append(...drafts(clock.services, 4));
    await receiver.down(0);
    await drain({ tenant, clock, receiver });
    const seqs = await receiver.seqs();
    expect(seqs.slice(0, 12)).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('a slow destination', () => {
  test('that does not answer holds up none of its tenant’s others', async () => {
    const { tenant, clock, receiver } = await made('splunk-hec');
    const slow = mintHec();
    await slow.set({ hold: true });
    await addDestination(clock.as('owner'), { name: 'Slow', config: { type: 'splunk-hec', url: slow.url }, secret: slow.token });
    await tenant.append(...drafts(clock.services, 10));
    clock.pass(2_000);
    await clock.alarm();
    const all = clock.bells.splice(0).map((bell) => deliver(env.AUDIT_ARCHIVE, clock.services, bell));
    await vi.waitFor(async () => expect(await receiver.seqs()).toHaveLength(12));
    expect((await slow.state()).indexed).toEqual([]);
    await slow.set({ hold: false });
    await Promise.all(all);
    expect((await slow.state()).indexed).toHaveLength(11);
  });
});
