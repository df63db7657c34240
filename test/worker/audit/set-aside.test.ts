import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import { auditApi } from '../../support/api.ts';
import { drafts, mintTenant } from '../../support/audit.ts';
import { mintHec, mintSiem } from '../../support/doubles-client.ts';
import { addDestination } from '../../support/siem-api.ts';

vi.setConfig({ testTimeout: 60_000 });
const PATIENCE = { timeout: 45_000, interval: 150 };

/** A destination at Splunk that takes all but the events named Poison. */
async function withPoison(names: string[]) {
  const tenant = mintTenant();
  const hec = mintHec();
  await hec.set({ malformed: 'Poison' });
  const api = auditApi(tenant.as('owner'));
  const { id } = await addDestination(tenant.as('owner'), {
    name: 'Splunk',
    config: { type: 'splunk-hec', url: hec.url },
    secret: hec.token,
  });
  const events = drafts(tenant.services, names.length, (index) => ({ resource: { type: 'template', id: null, name: names[index] ?? '' } }));
  await tenant.append(...events);
  const read = async () => (await api('GET', `/siem-destinations/${id}`)).body;
  const list = async (query = '') => (await api('GET', `/siem-destinations/${id}/set-aside${query}`)).body;
  return { tenant, hec, api, id, events, read, list, idsThere: async () => (await hec.state()).indexed.map(({ event }) => event.id) };
}

describe.concurrent('events that a destination refuses for good', () => {
  test('are listed with the reason, page by page, while the others arrive in order', async () => {
    const { events, read, list, idsThere } = await withPoison(['Fine', 'Poison', 'Fine', 'Poison', 'Poison', 'Fine']);
    await vi.waitFor(async () => expect(await read()).toMatchObject({ setAside: 3, lag: 0, state: 'active' }), PATIENCE);
    const fine = [0, 2, 5].map((index) => events[index]?.id);
    expect((await idsThere()).filter((id) => events.some((event) => event.id === id))).toEqual(fine);
    const first = await list('?limit=2');
    expect(first.items).toEqual([
      expect.objectContaining({
        seq: 3,
        eventId: events[1]?.id,
        action: 'template.create',
        status: 400,
        attempts: 1,
        reason: expect.stringContaining('code 6'),
      }),
      expect.objectContaining({ seq: 5 }),
    ]);
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    expect(second).toEqual({ items: [expect.objectContaining({ seq: 6 })], nextCursor: null });
  });

  test('are sent again when somebody asks: taken, they leave the list; refused, they say so', async () => {
    const { tenant, hec, api, id, events, read, list, idsThere } = await withPoison(['Poison', 'Poison two']);
    await vi.waitFor(async () => expect((await read()).setAside).toBe(2), PATIENCE);
    const again = await api('POST', `/siem-destinations/${id}/set-aside/retry`, { seqs: [2] });
    expect(again.body.items).toEqual([{ seq: 2, ok: false, status: 400, message: expect.stringContaining('code 6') }]);
    expect((await list()).items[0]).toMatchObject({ seq: 2, attempts: 2 });
    await hec.set({ malformed: 'two' });
    const mixed = await api('POST', `/siem-destinations/${id}/set-aside/retry`, { seqs: [2, 3] });
    expect(mixed.body.items.map(({ ok }: { ok: boolean }) => ok)).toEqual([true, false]);
    expect(await idsThere()).toContain(events[0]?.id);
    expect((await list()).items.map(({ seq }: { seq: number }) => seq)).toEqual([3]);
    const told = await vi.waitUntil(async () => {
      const found = await tenant.events({ action: 'siem.set_aside.retry' });
      return found.length === 2 && found;
    }, PATIENCE);
    expect(told.map(({ outcome, details }) => [outcome, details['seqs'], details['delivered']])).toEqual([
      ['failure', '2', 0],
      ['failure', '2,3', 1],
    ]);
  });

  test('are given up when somebody says so, which is an event', async () => {
    const { tenant, api, id, read, list } = await withPoison(['Poison', 'Fine']);
    await vi.waitFor(async () => expect((await read()).setAside).toBe(1), PATIENCE);
    expect((await api('POST', `/siem-destinations/${id}/set-aside/dismiss`, { seqs: [2] })).body).toEqual({ dismissed: 1 });
    expect((await list()).items).toEqual([]);
    expect((await api('POST', `/siem-destinations/${id}/set-aside/dismiss`, { seqs: [2] })).status).toBe(404);
    const [event] = await vi.waitUntil(async () => {
      const found = await tenant.events({ action: 'siem.set_aside.dismiss' });
      return found.length > 0 && found;
    }, PATIENCE);
    expect(event).toMatchObject({ outcome: 'success', details: { seqs: '2' }, resource: { id } });
  });

  test('twenty in a row are not the events’ fault: it is held, and the rest waits', async () => {
    const { tenant, hec, read, id } = await withPoison(Array.from({ length: 30 }, () => 'Poison'));
    await vi.waitFor(async () => expect(await read()).toMatchObject({ state: 'held', setAside: 20 }), PATIENCE);
    expect((await read()).lastError.message).toContain('one after another');
    expect((await read()).lag).toBeGreaterThanOrEqual(10);
    await hec.set({ malformed: null });
    await auditApi(tenant.as('owner'))('POST', `/siem-destinations/${id}/resume`);
    await vi.waitFor(async () => expect(await read()).toMatchObject({ state: 'active', lag: 0, setAside: 20 }), PATIENCE);
  });

  test('an item that Elastic refuses in the middle: those behind it are there once', async () => {
    const tenant = mintTenant();
    const elastic = mintSiem('elastic');
    await elastic.set({ malformed: 'Poison' });
    await addDestination(tenant.as('owner'), { name: 'Elastic', config: elastic.config, secret: elastic.secret });
    const events = drafts(tenant.services, 9, (index) => ({
      resource: { type: 'template', id: null, name: index === 4 ? 'Poison' : 'Fine' },
    }));
    await tenant.append(...events);
    await vi.waitFor(async () => {
      expect((await tenant.ledger.deliveryStatus())[0]).toMatchObject({ setAside: 1, waitingSince: null });
    }, PATIENCE);
    const expected = (await tenant.events()).map(({ id }) => id).filter((id) => id !== events[4]?.id);
    expect((await elastic.ids()).sort()).toEqual(expected.sort());
  });

  test('are forgotten with their destination', async () => {
    const { tenant, api, id, read } = await withPoison(['Poison']);
    await vi.waitFor(async () => expect((await read()).setAside).toBe(1), PATIENCE);
    await api('DELETE', `/siem-destinations/${id}`);
    await vi.waitFor(async () => {
      const left = await runInDurableObject(tenant.ledger, (_, { storage }) =>
        storage.sql.exec('SELECT seq FROM set_aside UNION ALL SELECT hour FROM delivery_health').toArray(),
      );
      expect(left).toEqual([]);
    }, PATIENCE);
  });
});
