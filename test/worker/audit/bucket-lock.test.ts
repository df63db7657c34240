import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { readLines } from '../../../worker/audit/archive.ts';
import { auditApi } from '../../support/api.ts';
import { archived, drafts, mintTenant } from '../../support/audit.ts';
import { onTestClock } from '../../support/ledger-clock.ts';

vi.setConfig({ testTimeout: 60_000 });

const DAY_MS = 24 * 60 * 60_000;

/** A bucket whose lock lets nothing be deleted or overwritten. */
function lockable() {
  const lock = { on: true, refused: 0 };
  const refuse = async () => {
    lock.refused++;
    throw new Error('The object is locked by the bucket policy');
  };
  const bucket = new Proxy(env.AUDIT_ARCHIVE, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        const [name, , options] = args as [string, unknown, R2PutOptions | undefined];
        const isCreation = options?.onlyIf !== undefined || String(name).startsWith('latest/');
        if (lock.on && key === 'delete') return refuse();
        if (lock.on && key === 'put' && !isCreation && (await target.head(name)) !== null) return refuse();
        return Reflect.apply(method, target, args) as Promise<unknown>;
      };
    },
  });
  return { lock, bucket };
}

async function locked() {
  const { lock, bucket } = lockable();
  const tenant = mintTenant();
  const clock = await onTestClock(tenant, bucket);
  const warnings: string[] = [];
  Object.assign(clock.services, { log: (_level: string, message: string) => void warnings.push(message) });
  /** A day with two segments. */
  const day = async () => {
    for (let segment = 0; segment < 2; segment++) {
      await tenant.append(...drafts(clock.services, 3));
      clock.pass(2_000);
      await clock.alarm();
      await clock.archive();
    }
  };
  /** Days pass, in which the alarm rings whenever it is set. */
  const pass = async (days: number) => {
    const until = clock.now().getTime() + days * DAY_MS;
    for (let rings = 0; rings < 2_000; rings++) {
      const due = await runInDurableObject(tenant.ledger, (_, { storage }) => storage.getAlarm());
      if (due === null || due > until) break;
      clock.pass(Math.max(due - clock.now().getTime(), 1_000));
      await clock.alarm();
      await clock.archive();
    }
    clock.pass(Math.max(until - clock.now().getTime(), 0));
  };
  const undeleted = async () => (await auditApi(clock.as('auditor'))('GET', '/audit/status')).body.undeletedSince as string | null;
  const files = async (ending: string) => (await archived(`${tenant.tenantId}/`)).filter((key) => key.endsWith(ending)).sort();
  return { tenant, clock, lock, bucket, warnings, day, pass, undeleted, files };
}

describe('a bucket lock that keeps small files', () => {
  test('is tried ever more seldom, told once, and holds up nothing behind it', async () => {
    const { clock, lock, warnings, day, pass, undeleted, files } = await locked();
    await day();
    expect(await undeleted()).toBeNull();
    await pass(1.5);
    const since = await undeleted();
    expect(since).not.toBeNull();
    expect(await files('.index.json')).toHaveLength(1);
    await pass(30);
    // Half an hour, an hour, and so on, until it is a week: not every half hour.
    expect(lock.refused).toBeGreaterThanOrEqual(8);
    expect(lock.refused).toBeLessThanOrEqual(14);
    expect(warnings.filter((message) => message.includes('does not delete'))).toHaveLength(1);
    expect(await undeleted()).toBe(since);
    await day();
    await pass(1.5);
    expect(await files('.index.json')).toHaveLength(2);
    expect(clock.segments).toEqual([]);
  });

  test('ends: they are deleted, all events lie in the archive once, and nothing is said any more', async () => {
    const { tenant, lock, day, pass, undeleted, files } = await locked();
    await day();
    await pass(10);
    expect((await files('.ndjson.gz')).length).toBeGreaterThan(2);
    lock.on = false;
    await pass(9);
    expect(await undeleted()).toBeNull();
    const [file = expect.fail(), ...others] = await files('.ndjson.gz');
    expect(others).toEqual([]);
    const { bodies } = await tenant.ledger.query({ limit: 100, order: 'asc', by: 'seq', form: 'line' });
    const lines = await readLines(env.AUDIT_ARCHIVE, { key: file, bytes: null });
    expect(lines.length).toBeGreaterThanOrEqual(6);
    expect(lines).toEqual(bodies.slice(0, lines.length));
  });

  test('lets whoever died after the day’s file was written come to an end: nothing is written twice', async () => {
    const { clock, tenant, day, pass, files } = await locked();
    await day();
    const { open } = clock.services.ledger;
    let deaths = 2;
    const dying: typeof open = (...where) =>
      new Proxy(open(...where), {
        get: (ledger, key) =>
          key === 'compacted' && deaths-- > 0 ? () => Promise.reject(new Error('killed')) : (Reflect.get(ledger, key) as unknown),
      });
    Object.assign(clock.services, { ledger: { ...clock.services.ledger, open: dying } });
    for (let attempt = 0; attempt < 4; attempt++) await pass(1).catch(() => undefined);
    expect(deaths).toBeLessThan(0);
    expect(await files('.index.json')).toHaveLength(1);
    const place = await tenant.ledger.archivePlan({ limit: 1, by: 'seq', order: 'asc' }, { low: 1, high: 6, order: 'asc', limit: 10 });
    const [first, ...others] = place.places;
    expect(others).toEqual([]);
    expect(first).toMatchObject({ first: 1, bytes: { offset: 0 } });
  });
});
