import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { moveFinding } from '../../../worker/audit/findings.ts';
import { auditApi, auditFetch } from '../../support/api.ts';
import { draft, drafts, mintTenant } from '../../support/audit.ts';
import { onTestClock } from '../../support/ledger-clock.ts';
import { addDestination, receiverOf } from '../../support/siem-api.ts';

/** A log of some events, all of it archived, that is being made anew from there: nothing of it is back yet. */
async function rebuilding() {
  const tenant = mintTenant();
  const clock = await onTestClock(tenant);
  const stopped = draft(clock.services, { action: 'siem.pause', resource: { type: 'siem', id: 'siem_test', name: 'SOC' } });
  await tenant.append(...drafts(clock.services, 5), stopped);
  clock.pass(2_000);
  await clock.step();
  const { id } = await addDestination(clock.as('owner'), (await receiverOf('webhook')).body);
  const settle = async () => {
    for (let round = 0; round < 3; round++) {
      clock.pass(2_000);
      await clock.alarm();
      await clock.archive();
    }
  };
  await settle();
  const { size } = await tenant.ledger.status();
  expect(await tenant.ledger.rebuild(tenant.tenantId, 's0')).toEqual({ recorded: 0, fault: null });
  const person = clock.as('owner');
  return { tenant, clock, size, id, api: auditApi(person), get: auditFetch(person), settle };
}

const SAID = 'The log is being restored from its archive, 0 events so far. What happens meanwhile is kept and follows';

describe('while the log is made anew from its archive', () => {
  test.each([
    '/audit/events',
    '/audit/events?since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z',
    '/audit/histogram?since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z',
    '/audit/status',
    '/audit/export',
    '/audit/export?format=proof',
    '/audit/stream',
    '/audit/stream?after=3',
    '/audit/proof?seq=2',
  ])('%s says so, and when to come again: a part of the log is never shown as all of it', async (path) => {
    const { get } = await rebuilding();
    const answer = await get(path);
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '15']);
    expect(await answer.json()).toMatchObject({ code: 'unavailable', title: 'Not available right now', detail: SAID });
  });

  test('it is all there afterwards, and what happened meanwhile follows', async () => {
    const { tenant, clock, size, api } = await rebuilding();
    const late = drafts(clock.services, 2);
    const batches = [{ outboxId: 'late', events: late }];
    await runInDurableObject(tenant.ledger, (instance) =>
      expect(instance.append({ tenantId: tenant.tenantId, shard: 's0', source: 'api', batches })).rejects.toThrow('rebuilt'),
    );
    await clock.alarm();
    expect(await tenant.ledger.rebuilding()).toBeNull();
    await tenant.append(...late);
    const { status, body } = await api('GET', '/audit/events');
    expect(status).toBe(200);
    expect(body.items.map(({ seq }: { seq: number }) => seq).slice(0, size + 2)).toEqual(
      Array.from({ length: size + 2 }, (_, index) => index + 1),
    );
    expect((await api('GET', '/audit/status')).status).toBe(200);
  });

  test('a stream that was open waits, and goes on with what comes next', async () => {
    const { tenant, clock, size } = await rebuilding();
    const heard = tenant.ledger.waitBeyond(size, 5_000);
    await clock.alarm();
    await tenant.append(...drafts(clock.services, 1));
    expect(await heard).toBe('new');
    expect((await tenant.ledger.status()).size).toBe(size + 1);
  });

  test('nothing comes between: no finding is moved, no range is sent again, no destination gets a part', async () => {
    const { tenant, clock, id, api } = await rebuilding();
    const [found = expect.fail()] = await tenant.ledger.findings({ limit: 1 });
    const moved = moveFinding(clock.as('owner'), found.id, { from: 'open', to: 'resolved', note: '' });
    await expect(moved).rejects.toMatchObject({ code: 'unavailable', message: SAID, retryAfter: 15 });
    expect((await tenant.ledger.findings({ limit: 1 }))[0]?.state).toBe('open');
    expect((await api('POST', `/siem-destinations/${id}/replay`, { from: 1 })).body).toMatchObject({ status: 503, detail: SAID });
    expect(await tenant.ledger.claim({ destinationId: id, replay: false }, 10)).toBeNull();
    await clock.alarm();
    expect(await tenant.ledger.rebuilding()).toBeNull();
  });

  test('where the archive is not what it should be, it says that somebody has to look', async () => {
    const { tenant, get } = await rebuilding();
    await runInDurableObject(tenant.ledger, (_, { storage: { sql } }) => void sql.exec("UPDATE rebuild SET fault = 'a gap'"));
    const answer = await get('/audit/events');
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '300']);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('has stopped, 0 events so far: the operator') });
  });
});
