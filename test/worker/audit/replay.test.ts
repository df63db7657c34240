import { describe, expect, test, vi } from 'vitest';
import { auditApi } from '../../support/api.ts';
import { drafts, forgetArchived, mintTenant } from '../../support/audit.ts';
import { onTestClock } from '../../support/ledger-clock.ts';
import { addDestination, receiverOf } from '../../support/siem-api.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A destination that has got its first twenty events, a minute apart, on a clock of the test's. */
async function delivered() {
  const tenant = mintTenant();
  const clock = await onTestClock(tenant);
  const receiver = await receiverOf('splunk-hec');
  const { id } = await addDestination(clock.as('owner'), receiver.body);
  const api = auditApi(clock.as('owner'));
  const log = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await tenant.append(...drafts(clock.services, 1));
      clock.pass(60_000);
    }
    await clock.step();
  };
  await vi.waitFor(async () => expect(await tenant.events()).toHaveLength(1));
  await log(19);
  expect(await receiver.seqs()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  const read = async () => (await api('GET', `/siem-destinations/${id}`)).body;
  const told = async (action: string) =>
    vi.waitUntil(async () => {
      const found = await tenant.events({ action });
      return found.length > 0 && found;
    });
  /** what arrives from now on */
  const since = async () => {
    const { length } = await receiver.seqs();
    return async () => (await receiver.seqs()).slice(length);
  };
  return { tenant, clock, receiver, api, id, log, read, told, since };
}

describe('a range is sent once more', () => {
  test('by number, both ends included, and its progress and end are shown and told', async () => {
    const { clock, api, id, read, told, since } = await delivered();
    const arrived = await since();
    const started = await api('POST', `/siem-destinations/${id}/replay`, { from: 3, to: 8 });
    expect(started.status).toBe(202);
    expect(started.body.replay).toMatchObject({ first: 3, last: 8, deliveredTo: 2, state: 'running' });
    const [start] = await told('siem.replay.start');
    expect(start).toMatchObject({ outcome: 'success', details: { first: 3, last: 8 }, resource: { id } });
    clock.pass(5_000);
    await clock.step();
    expect((await arrived()).filter((seq) => seq < 20)).toEqual([3, 4, 5, 6, 7, 8]);
    expect((await told('siem.replay.finish'))[0]).toMatchObject({ actor: { type: 'system' }, resource: { id } });
    expect((await read()).replay).toMatchObject({ deliveredTo: 8, state: 'finished', endedAt: expect.any(String) });
  });

  test('by time of recording', async () => {
    const { tenant, clock, api, id, told, since } = await delivered();
    const [, , third, fourth] = await tenant.events();
    const arrived = await since();
    await api('POST', `/siem-destinations/${id}/replay`, { from: third?.recordedAt, to: fourth?.recordedAt });
    await told('siem.replay.start');
    clock.pass(5_000);
    await clock.step();
    expect((await arrived()).filter((seq) => seq < 20)).toEqual([3, 4]);
  });

  test('while live delivery goes on beside it, each in its order', async () => {
    const { clock, receiver, api, id, log, told, since } = await delivered();
    const arrived = await since();
    await receiver.down(1);
    await api('POST', `/siem-destinations/${id}/replay`, { from: 1, to: 20 });
    await told('siem.replay.start');
    await log(5);
    for (let n = 0; n < 5; n++) {
      clock.pass(60_000);
      await clock.step();
    }
    const seqs = await arrived();
    expect(seqs.filter((seq) => seq <= 20)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    const live = seqs.filter((seq) => seq > 20);
    expect(live).toEqual([...live].sort((a, b) => a - b));
    expect(live.length).toBeGreaterThanOrEqual(6);
  });

  test('from the archive, where the events have left the hot index', async () => {
    const { tenant, clock, api, id, told, since } = await delivered();
    await forgetArchived(tenant);
    const arrived = await since();
    await api('POST', `/siem-destinations/${id}/replay`, { from: 5, to: 9 });
    await told('siem.replay.start');
    clock.pass(5_000);
    await clock.step();
    expect((await arrived()).filter((seq) => seq < 20)).toEqual([5, 6, 7, 8, 9]);
  });

  test('one at a time; cancelled, it stops and another may begin', async () => {
    const { clock, receiver, api, id, read, told, since } = await delivered();
    await receiver.down(-1);
    const answers = await Promise.all([1, 2, 3].map(() => api('POST', `/siem-destinations/${id}/replay`, { from: 1 })));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    await told('siem.replay.start');
    clock.pass(5_000);
    await clock.step();
    expect((await read()).replay).toMatchObject({
      state: 'running',
      deliveredTo: 0,
      lastError: { message: expect.stringContaining('503') },
    });
    expect((await api('POST', `/siem-destinations/${id}/replay/cancel`)).body.replay).toMatchObject({ state: 'cancelled' });
    await told('siem.replay.cancel');
    expect((await api('POST', `/siem-destinations/${id}/replay/cancel`)).status).toBe(409);
    await receiver.down(0);
    const arrived = await since();
    clock.pass(600_000);
    await clock.step();
    expect((await arrived()).filter((seq) => seq < 20)).toEqual([]);
    expect((await api('POST', `/siem-destinations/${id}/replay`, { from: 2, to: 2 })).status).toBe(202);
  });

  test('paused with its destination', async () => {
    const { clock, api, id, told, since } = await delivered();
    await api('POST', `/siem-destinations/${id}/replay`, { from: 1, to: 5 });
    await told('siem.replay.start');
    await api('POST', `/siem-destinations/${id}/pause`);
    await told('siem.pause');
    const arrived = await since();
    clock.pass(5_000);
    await clock.step();
    expect(await arrived()).toEqual([]);
    await api('POST', `/siem-destinations/${id}/resume`);
    await told('siem.resume');
    clock.pass(5_000);
    await clock.step();
    expect((await arrived()).filter((seq) => seq <= 5)).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    ['behind the end of the log', { from: 500 }],
    ['the wrong way round', { from: 9, to: 3 }],
    ['in the future', { from: '2999-01-01T00:00:00Z' }],
  ])('a range %s is refused', async (_name, range) => {
    const tenant = mintTenant();
    const { id } = await addDestination(tenant.as('owner'), (await receiverOf('webhook')).body);
    expect((await auditApi(tenant.as('owner'))('POST', `/siem-destinations/${id}/replay`, range)).body).toMatchObject({
      status: 422,
      errors: [{ path: 'from' }],
    });
  });
});
