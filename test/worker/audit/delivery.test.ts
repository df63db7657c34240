import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test, vi } from 'vitest';
import { deliver } from '../../../worker/audit/delivery.ts';
import { ask, unreachable } from '../../../worker/audit/send.ts';
import { archived, drafts, mintTenant, type TestTenant } from '../../support/audit.ts';
import { auditApi } from '../../support/api.ts';
import { mintHec, mintHook } from '../../support/doubles-client.ts';

// A wait for the real queue ends when it has come to pass; this only says when to give up.
vi.setConfig({ testTimeout: 40_000 });
const PATIENCE = { timeout: 25_000, interval: 100 };

/** A tenant with a destination at the double. The queue's own consumer is at work too: every test holds against it. */
async function withHec(faults: Record<string, unknown> = {}, config: Record<string, unknown> = {}) {
  const tenant = mintTenant();
  const hec = mintHec();
  await hec.set(faults);
  const api = auditApi(tenant.as('owner'));
  const created = await api('POST', '/siem-destinations', {
    name: 'Splunk',
    config: { type: 'splunk-hec', url: hec.url, ...config },
    secret: hec.token,
  });
  expect(created.status).toBe(201);
  return { tenant, hec, api, id: created.body.id as string };
}

/** Rings the bell now, whatever was to be waited for. */
async function ringNow({ ledger, services, tenantId }: TestTenant, destinationId: string) {
  await runInDurableObject(ledger, (_, { storage }) => {
    storage.sql.exec('UPDATE destinations SET not_before = 0, lease = NULL WHERE id = ?', destinationId);
  });
  await deliver(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', destinationId });
}

const everyId = async (tenant: TestTenant) => (await tenant.events()).map(({ id }) => id);
const once = (ids: string[]) => [...new Set(ids)];
const waitForAll = async (tenant: TestTenant, hec: ReturnType<typeof mintHec>) =>
  vi.waitFor(async () => {
    const got = once((await hec.state()).indexed.map(({ event }) => event.id));
    expect(got).toEqual(await everyId(tenant));
  }, PATIENCE);

describe.concurrent('Splunk gets every event, in order', () => {
  test('by the real queue, in a form that Splunk takes', async () => {
    const { tenant, hec, api, id } = await withHec({}, { index: 'security' });
    await tenant.append(...drafts(tenant.services, 25));
    await waitForAll(tenant, hec);
    const { indexed, violations } = await hec.state();
    expect(violations).toEqual([]);
    for (const { event, fields, time, index, sourcetype } of indexed) {
      expect(fields).toMatchObject({ event_id: event.id, seq: String(event.seq) });
      expect({ index, sourcetype }).toEqual({ index: 'security', sourcetype: 'gatehouse:audit' });
      expect(Math.abs(time * 1000 - Date.now())).toBeLessThan(3_600_000);
    }
    expect(indexed[0]?.event.action).toBe('siem.create');
    await vi.waitFor(async () => {
      const { body } = await api('GET', `/siem-destinations/${id}`);
      expect(body).toMatchObject({ state: 'active', deliveredTo: 26, lag: 0, lastError: null });
    }, PATIENCE);
  });

  test('more than one batch holds', async () => {
    const { tenant, hec } = await withHec();
    await tenant.append(...drafts(tenant.services, 1_200));
    await waitForAll(tenant, hec);
  });

  test('a quiet tenant’s backlog drains by itself', async () => {
    const { tenant, hec } = await withHec({ busy: 1 });
    await waitForAll(tenant, hec);
  });

  test('a token that asks for acknowledgement gets its channel', async () => {
    const { tenant, hec } = await withHec({ acknowledge: true });
    await waitForAll(tenant, hec);
    expect((await hec.state()).violations).toEqual([]);
  });

  test('two consumers at once: one delivers', async () => {
    const { tenant, hec, id } = await withHec({ hold: true });
    await vi.waitFor(async () => expect((await hec.state()).requests).toBe(1), PATIENCE);
    await deliver(env.AUDIT_ARCHIVE, tenant.services, { tenantId: tenant.tenantId, shard: 's0', destinationId: id });
    expect((await hec.state()).requests).toBe(1);
    await hec.set({ hold: false });
    await waitForAll(tenant, hec);
  });
});

describe.concurrent('what Splunk refuses', () => {
  test('a malformed event is set aside, the rest arrives, and none twice', async () => {
    const { tenant, hec, id } = await withHec({ malformed: 'Poison' });
    const events = drafts(tenant.services, 9, (index) => ({
      resource: { type: 'template', id: null, name: index === 4 ? 'Poison' : 'Fine' },
    }));
    await tenant.append(...events);
    const expected = async () => (await everyId(tenant)).filter((each) => each !== events[4]?.id);
    await vi.waitFor(async () => {
      expect((await hec.state()).indexed.map(({ event }) => event.id)).toEqual(await expected());
      expect((await tenant.ledger.deliveryStatus())[0]?.deliveredTo).toBe((await tenant.ledger.status()).size);
    }, PATIENCE);
    const [key = expect.fail('nothing set aside')] = await archived(`${tenant.tenantId}/quarantine/${id}/`);
    const record = await (await env.AUDIT_ARCHIVE.get(key))?.json<{ reason: string; event: { id: string } }>();
    expect(record).toMatchObject({ reason: expect.stringContaining('Invalid data format'), event: { id: events[4]?.id } });
    expect((await tenant.events({ action: 'siem.set_aside' })).map(({ details }) => details)).toEqual([{ eventId: events[4]?.id, seq: 6 }]);
  });

  test.each([
    ['a disabled token', { disabled: true }, { disabled: false }, '(code 1)'],
    ['an index the token may not write to', { indexes: ['other'] }, { indexes: null }, '(code 7)'],
  ])('%s: held, told, and nothing lost', async (_name, fault, cure, code) => {
    const { tenant, hec, api, id } = await withHec(fault);
    await vi.waitFor(async () => {
      const { body } = await api('GET', `/siem-destinations/${id}`);
      expect(body).toMatchObject({ state: 'held', deliveredTo: 0 });
      expect(body.lastError.message).toContain(code);
    }, PATIENCE);
    await tenant.append(...drafts(tenant.services, 3));
    await hec.set(cure);
    await ringNow(tenant, id);
    await waitForAll(tenant, hec);
    await vi.waitFor(async () => {
      const told = (await tenant.events({ resourceType: 'siem' })).map(({ action }) => action);
      expect(told).toEqual(['siem.create', 'siem.stalled', 'siem.recovered']);
    }, PATIENCE);
    expect((await api('GET', `/siem-destinations/${id}`)).body.state).toBe('active');
  });

  test('the token is changed: delivery goes on by itself', async () => {
    const tenant = mintTenant();
    const hec = mintHec();
    await hec.set({});
    const api = auditApi(tenant.as('owner'));
    const config = { type: 'splunk-hec', url: hec.url };
    const { body } = await api('POST', '/siem-destinations', { name: 'Splunk', config, secret: 'not-the-token' });
    await vi.waitFor(async () => {
      expect((await api('GET', `/siem-destinations/${body.id}`)).body.lastError.message).toContain('code 4');
    }, PATIENCE);
    expect((await api('PATCH', `/siem-destinations/${body.id}`, { secret: hec.token })).status).toBe(200);
    await waitForAll(tenant, hec);
  });
});

describe.concurrent('one destination holds up nobody else', () => {
  test('neither its own tenant’s others nor other tenants', async () => {
    const slow = await withHec({ hold: true });
    await vi.waitFor(async () => expect((await slow.hec.state()).requests).toBe(1), PATIENCE);
    const second = mintHec();
    await second.set({});
    await slow.api('POST', '/siem-destinations', { name: 'Two', config: { type: 'splunk-hec', url: second.url }, secret: second.token });
    const other = await withHec();
    await vi.waitFor(async () => expect((await second.state()).indexed.length).toBeGreaterThan(0), PATIENCE);
    await waitForAll(other.tenant, other.hec);
    expect((await slow.hec.state()).indexed).toEqual([]);
    await slow.hec.set({ hold: false });
  });

  test('paused: nothing is sent; resumed: everything', async () => {
    const { tenant, hec, api, id } = await withHec();
    await waitForAll(tenant, hec);
    expect((await api('POST', `/siem-destinations/${id}/pause`)).body.state).toBe('paused');
    const { requests } = await hec.state();
    await tenant.append(...drafts(tenant.services, 3));
    await ringNow(tenant, id);
    expect((await hec.state()).requests).toBe(requests);
    expect((await api('POST', `/siem-destinations/${id}/pause`)).status).toBe(409);
    expect((await api('POST', `/siem-destinations/${id}/resume`)).body.state).toBe('active');
    await waitForAll(tenant, hec);
  });

  test('events that left the hot index come from the archive', async () => {
    const { tenant, hec, api, id } = await withHec();
    await waitForAll(tenant, hec);
    await api('POST', `/siem-destinations/${id}/pause`);
    await tenant.append(...drafts(tenant.services, 6));
    const all = await everyId(tenant);
    await vi.waitFor(async () => expect((await tenant.ledger.status()).archivedTo).toBe(all.length), PATIENCE);
    await runInDurableObject(tenant.ledger, (_, { storage }) => void storage.sql.exec('DELETE FROM events'));
    await api('POST', `/siem-destinations/${id}/resume`);
    await vi.waitFor(async () => {
      const got = (await hec.state()).indexed.map(({ event }) => event.id);
      expect(got.slice(0, all.length)).toEqual(all);
    }, PATIENCE);
  });
});

describe.concurrent('a destination that is slow or says too much', () => {
  test('is given up in bounded time and tried again', async () => {
    const hec = mintHec();
    await hec.set({ hold: true });
    const headers = { Authorization: `Splunk ${hec.token}` };
    const request = { method: 'POST', url: `${hec.url}/services/collector/event`, headers, body: '{"event":1}' } as const;
    const late = ask(request, { now: new Date(), timeoutMs: 50 });
    const outcome = await late.then(() => expect.fail('it answered'), unreachable);
    expect(outcome).toMatchObject({ kind: 'retry', message: 'No answer within 15 seconds' });
    await hec.set({ hold: false });
  });

  test('is read no further than a bound', async () => {
    const hook = mintHook();
    await hook.answer({ status: 500, body: 'x'.repeat(2_000_000) });
    const { status, text } = await ask({ method: 'POST', url: hook.url, headers: {}, body: '[]' }, { now: new Date() });
    expect(status).toBe(500);
    expect(text.length).toBeLessThan(200_000);
  });
});

describe.concurrent('webhooks', () => {
  async function withHook() {
    const tenant = mintTenant();
    const hook = mintHook();
    const api = auditApi(tenant.as('owner'));
    const created = await api('POST', '/siem-destinations', { name: 'Hook', config: { type: 'webhook', url: hook.url } });
    expect(created.status).toBe(201);
    return { tenant, hook, api, id: created.body.id as string, secret: created.body.secret as string };
  }

  test('the stock library of Standard Webhooks verifies each delivery', async () => {
    const { tenant, hook, api, id, secret } = await withHook();
    await tenant.append(...drafts(tenant.services, 130));
    const received = async () => {
      const verified = (await hook.deliveries()).map(({ headers, body }) => new Webhook(secret).verify(body, headers));
      return (verified as Array<Array<{ id: string }>>).flat().map((event) => event.id);
    };
    await vi.waitFor(async () => expect(once(await received())).toEqual(await everyId(tenant)), PATIENCE);
    const [delivery = expect.fail()] = await hook.deliveries();
    expect(() => new Webhook(secret).verify(`${delivery.body} `, delivery.headers)).toThrow();
    expect((await api('GET', `/siem-destinations/${id}`)).body).not.toHaveProperty('secret');
  });

  test('a redirect is a failure and is not followed', async () => {
    const { tenant, hook, api, id } = await withHook();
    const elsewhere = mintHook();
    await hook.answer({ status: 302, headers: { Location: elsewhere.url } });
    await tenant.append(...drafts(tenant.services, 1));
    await vi.waitFor(async () => {
      await ringNow(tenant, id);
      expect((await api('GET', `/siem-destinations/${id}`)).body.lastError.message).toContain('302');
    }, PATIENCE);
    expect(await elsewhere.deliveries()).toEqual([]);
  });

  test('410 pauses it, and says so', async () => {
    const { tenant, hook, api, id } = await withHook();
    await hook.answer({ status: 410 });
    await tenant.append(...drafts(tenant.services, 1));
    await vi.waitFor(async () => expect((await api('GET', `/siem-destinations/${id}`)).body.state).toBe('paused'), PATIENCE);
    const [told] = await tenant.events({ action: 'siem.pause' });
    expect(told).toMatchObject({ actor: { type: 'system' }, reason: 'The webhook answered 410', status: 410 });
  });
});
