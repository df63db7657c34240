import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { formatEvent } from '@gatehouse/core/audit/formats.ts';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { deliver } from '../../../worker/audit/delivery.ts';
import { VERSION } from '../../../worker/platform/deployment.routes.ts';
import { auditApi } from '../../support/api.ts';
import { drafts, mintTenant, type TestTenant } from '../../support/audit.ts';
import { mintHec, mintHook } from '../../support/doubles-client.ts';
import { addDestination, KINDS, once, receiverOf } from '../../support/siem-api.ts';

vi.setConfig({ testTimeout: 60_000 });
const PATIENCE = { timeout: 45_000, interval: 150 };

async function ringNow({ ledger, services, tenantId }: TestTenant, destinationId: string) {
  await runInDurableObject(ledger, (_, { storage }) => void storage.sql.exec('UPDATE destinations SET not_before = 0, lease = NULL'));
  await deliver(env.AUDIT_ARCHIVE, services, { tenantId, shard: 's0', destinationId });
}
const everyId = async (tenant: TestTenant) => (await tenant.events()).map(({ id }) => id);

describe.concurrent.each(KINDS)('%s', (kind) => {
  test('gets every event, in order, by the real queue, in a form that it takes', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf(kind);
    await addDestination(tenant.as('owner'), receiver.body);
    await tenant.append(...drafts(tenant.services, 30));
    await vi.waitFor(async () => expect(once(await receiver.ids())).toEqual(await everyId(tenant)), PATIENCE);
    expect(await receiver.violations()).toEqual([]);
  });

  test('after a 503 and an answer that was lost it goes on where it was', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf(kind);
    await receiver.down(1);
    const { id } = await addDestination(tenant.as('owner'), receiver.body);
    await vi.waitFor(async () => expect((await tenant.ledger.deliveryStatus())[0]?.lastError?.message).toContain('503'), PATIENCE);
    await receiver.down(0);
    await receiver.drop(1);
    await tenant.append(...drafts(tenant.services, 5));
    await ringNow(tenant, id);
    await receiver.drop(0);
    await vi.waitFor(async () => {
      await ringNow(tenant, id);
      expect(once(await receiver.ids())).toEqual(await everyId(tenant));
    }, PATIENCE);
    expect(await receiver.violations()).toEqual([]);
  });

  test('a test sends a real event; its secret is nowhere', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf(kind);
    const ctx = tenant.as('owner');
    const { id, secret } = await addDestination(ctx, receiver.body);
    const api = auditApi(ctx);
    expect((await api('POST', `/siem-destinations/${id}/test`)).body).toMatchObject({ ok: true });
    const [, sent] = await vi.waitUntil(async () => {
      const tests = await tenant.events({ action: 'siem.test' });
      return tests.length > 0 && [null, ...tests];
    }, PATIENCE);
    expect(await receiver.ids()).toContain(sent?.id);
    const hidden = secret ?? ('secret' in receiver.body ? receiver.body.secret : expect.fail('no secret at all'));
    const places = [
      (await api('GET', `/siem-destinations/${id}`)).body,
      await ctx.db.rows('SELECT * FROM siem_destinations WHERE tenant_id = ?', tenant.tenantId),
      await tenant.events(),
      await runInDurableObject(tenant.ledger, (_, { storage }) => storage.sql.exec('SELECT * FROM destinations').toArray()),
    ];
    for (const place of places) expect(JSON.stringify(place)).not.toContain(hidden);
  });
});

describe.concurrent('filter and format', () => {
  test('what the filter does not want is passed over, and the cursor moves', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf('splunk-hec');
    await addDestination(tenant.as('owner'), { ...receiver.body, filter: 'resource.name eq "Wanted"' });
    const names = (index: number) => ({ resource: { type: 'template' as const, id: null, name: index % 7 === 0 ? 'Wanted' : 'Other' } });
    await tenant.append(...drafts(tenant.services, 50, names));
    await vi.waitFor(
      async () => expect((await tenant.ledger.deliveryStatus())[0]).toMatchObject({ deliveredTo: 51, waitingSince: null }),
      PATIENCE,
    );
    const wanted = (await tenant.events()).filter(({ resource }) => resource.name === 'Wanted').map(({ id }) => id);
    expect(wanted).toHaveLength(8);
    expect(await receiver.ids()).toEqual(wanted);
  });

  test('a destination that wants none of many has no success, and no lag either', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf('webhook');
    const { id } = await addDestination(tenant.as('owner'), { ...receiver.body, filter: 'action eq "tenant.create"' });
    await tenant.append(...drafts(tenant.services, 20));
    await vi.waitFor(async () => {
      const { body } = await auditApi(tenant.as('owner'))('GET', `/siem-destinations/${id}`);
      expect(body).toMatchObject({ lag: 0, deliveredTo: 21, lastSuccessAt: null, lastError: null });
    }, PATIENCE);
    expect(await receiver.ids()).toEqual([]);
  });

  test('a faulty filter is refused, with its place', async () => {
    const api = auditApi(mintTenant().as('owner'));
    const { body } = await receiverOf('webhook');
    const refused = await api('POST', '/siem-destinations', { ...body, filter: 'action eq "a" and and' });
    expect(refused.body).toMatchObject({ status: 422, errors: [{ path: 'filter', message: expect.stringMatching(/position 18/) }] });
  });

  test.each(['ocsf', 'ecs'] as const)('%s', async (format) => {
    const tenant = mintTenant();
    const hec = mintHec();
    await hec.set({});
    await addDestination(tenant.as('owner'), { name: 'S', config: { type: 'splunk-hec', url: hec.url }, format, secret: hec.token });
    await tenant.append(...drafts(tenant.services, 2));
    await vi.waitFor(async () => expect((await hec.state()).indexed).toHaveLength(3), PATIENCE);
    const context = { tenant: { id: tenant.tenantId, name: '' }, version: VERSION };
    const expected = (await tenant.events()).map(
      (event: AuditEvent) => JSON.parse(JSON.stringify(formatEvent(format, event, context))) as unknown,
    );
    const { indexed } = await hec.state();
    expect(indexed.map(({ event }) => event)).toEqual(expected);
    expect(indexed[0]).toMatchObject({ sourcetype: `gatehouse:${format}`, fields: { seq: '1' } });
  });

  test('another filter and format hold from the next event on, and are in the event of the change', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf('splunk-hec');
    const api = auditApi(tenant.as('owner'));
    const { id } = await addDestination(tenant.as('owner'), receiver.body);
    const changed = await api('PATCH', `/siem-destinations/${id}`, { filter: 'outcome ne "success"', format: 'ecs' });
    expect(changed.body).toMatchObject({ filter: 'outcome ne "success"', format: 'ecs' });
    const [event] = await vi.waitUntil(async () => {
      const found = await tenant.events({ action: 'siem.update' });
      return found.length > 0 && found;
    }, PATIENCE);
    expect(event?.diff).toEqual([
      { path: 'filter', old: '', new: 'outcome ne "success"', secret: false },
      { path: 'format', old: 'native', new: 'ecs', secret: false },
    ]);
  });
});

describe.concurrent('secrets', () => {
  test('a new signing secret is shown once, and the former one signs along', async () => {
    const tenant = mintTenant();
    const hook = mintHook();
    const api = auditApi(tenant.as('owner'));
    const { id, secret } = await addDestination(tenant.as('owner'), { name: 'Hook', config: { type: 'webhook', url: hook.url } });
    const rotated = await api('POST', `/siem-destinations/${id}/rotate-secret`);
    expect(rotated.body.secret).toMatch(/^whsec_/);
    expect(rotated.body.secret).not.toBe(secret);
    expect(Date.parse(rotated.body.rotatesUntil)).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    await api('POST', `/siem-destinations/${id}/test`);
    const { Webhook } = await import('standardwebhooks');
    const last = (await hook.deliveries()).at(-1) ?? expect.fail();
    for (const each of [secret, rotated.body.secret]) expect(new Webhook(each).verify(last.body, last.headers)).toBeTruthy();
    const [event] = await vi.waitUntil(async () => {
      const found = await tenant.events({ action: 'siem.rotate_secret' });
      return found.length > 0 && found;
    }, PATIENCE);
    expect(event?.diff).toEqual([{ path: 'secret', old: null, new: null, secret: true }]);
  });

  test('Ed25519: the public key is shown, the private one once', async () => {
    const tenant = mintTenant();
    const api = auditApi(tenant.as('owner'));
    const { id, secret } = await addDestination(tenant.as('owner'), {
      name: 'Hook',
      config: { type: 'webhook', url: mintHook().url, signing: 'ed25519' },
    });
    expect(secret).toMatch(/^whsk_/);
    const { body } = await api('GET', `/siem-destinations/${id}`);
    expect(body.publicKey).toMatch(/^whpk_/);
    expect(JSON.stringify(body)).not.toContain(secret);
  });

  test('only a webhook’s secret is made here', async () => {
    const tenant = mintTenant();
    const { id } = await addDestination(tenant.as('owner'), (await receiverOf('datadog')).body);
    expect((await auditApi(tenant.as('owner'))('POST', `/siem-destinations/${id}/rotate-secret`)).status).toBe(409);
  });

  test('leading Entra’s sign-in elsewhere needs the client secret anew', async () => {
    const tenant = mintTenant();
    const receiver = await receiverOf('sentinel');
    const { id } = await addDestination(tenant.as('owner'), receiver.body);
    const config = { ...receiver.body.config, authority: 'https://login.microsoftonline.us' };
    const refused = await auditApi(tenant.as('owner'))('PATCH', `/siem-destinations/${id}`, { config });
    expect(refused.body).toMatchObject({ status: 422, errors: [{ path: 'secret' }] });
  });

  test('every address of a destination is looked at', async () => {
    const api = auditApi(mintTenant().as('owner'));
    const { body } = await receiverOf('sentinel');
    const refused = await api('POST', '/siem-destinations', { ...body, config: { ...body.config, authority: 'https://169.254.169.254' } });
    expect(refused.body).toMatchObject({ status: 422, errors: [{ path: 'config.authority' }] });
  });
});
