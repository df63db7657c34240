import { describe, expect, test } from 'vitest';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import { gitCredential, gitCredentialList } from '@gatehouse/core/api/git-credentials.ts';
import { policyShown } from '@gatehouse/core/api/policy.ts';
import { workspaceNetwork } from '@gatehouse/core/api/workspace-network.ts';
import { generateKeyPair, type KeyPair } from '@gatehouse/core/protocol/noise-state.ts';
import type { EgressHappening, ToRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { runnerNetworkClaims } from '@gatehouse/core/protocol/runner-policy.ts';
import { openSealed } from '@gatehouse/core/protocol/sealed-box.ts';
import { importJWK, jwtVerify } from 'jose';
import { base64url } from '../../../worker/platform/encoding.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { connectControl, enrollRunner, type TestSocket } from '../../support/runners.ts';
import { makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, eventsOf, problem, read, services, type Answer, type Person } from '../../support/tenants.ts';

const put = async (person: Person, path: string, values: PolicyValues): Promise<Answer> => {
  const { headers } = await api(person).get(path);
  return api(person).put(path, { values }, { 'If-Match': headers.get('ETag') ?? '' });
};
const setTenant = async (site: Site, values: PolicyValues) => read(await put(site.tenant.owner, '/tenant/policy', values), policyShown);
const setTemplate = async (site: Site, values: PolicyValues) =>
  read(await put(site.tenant.owner, `/templates/${site.templateId}/policy`, values), policyShown);

/** The newest order that the runner was given of that workspace, once it fits. */
async function orderOf(control: TestSocket<ToRunner>, id: string, fits: (order: Extract<ToRunner, { kind: 'order' }>['order']) => boolean) {
  for (;;) {
    const message = await control.next();
    const orders = message.kind === 'order' ? [message.order] : message.kind === 'ready' ? message.orders : [];
    const found = orders.find((order) => order.workspaceId === id && fits(order));
    if (found) return found;
  }
}

async function networkIn(token: string | undefined, runnerId: string) {
  const key = await importJWK({ ...services().settings.GRANT_KEY, d: undefined } as never, 'EdDSA');
  const { payload } = await jwtVerify(token ?? '', key, { audience: runnerId, typ: 'gatehouse-network+jwt' });
  return runnerNetworkClaims.parse(payload);
}

describe('what a workspace may reach', () => {
  const resources = [{ name: 'orders-db', host: 'db.example', port: 5432 }];

  test('goes to its runner signed, beside the policy that limits it, and again when it changes', async () => {
    const site = await makeSite();
    await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec: { network: { resources } } });
    await setTenant(site, { egressHosts: ['registry.npmjs.org', '*.pypi.org'], git: { fetch: [], push: ['https://git.example/acme/*'] } });
    const { id, order } = await makeRunning(site);
    if (order.kind !== 'order') throw new Error('No order came');
    expect(await networkIn(order.order.network, site.runner.id)).toMatchObject({
      sub: id,
      network: {
        hosts: ['*.pypi.org', 'registry.npmjs.org'],
        git: { fetch: ['https://git.example/acme/*'], push: ['https://git.example/acme/*'] },
        resources,
      },
    });
    await setTemplate(site, { egressHosts: ['registry.npmjs.org'] });
    const renewed = await orderOf(site.control, id, ({ network }) => network !== undefined && network !== order.order.network);
    expect((await networkIn(renewed.network, site.runner.id)).network.hosts).toEqual(['registry.npmjs.org']);
    await setTenant(site, { egress: 'open' });
    await orderOf(site.control, id, ({ network }) => network === undefined);
  });

  test('is shown to whoever may see the workspace', async () => {
    const site = await makeSite();
    await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, {
      spec: { repository: 'https://git.example/acme/app.git', network: { resources } },
    });
    await setTenant(site, { egressHosts: ['a.example'] });
    const { id } = await makeRunning(site);
    expect(read(await api(site.dev).get(`/workspaces/${id}/network`), workspaceNetwork)).toEqual({
      egress: 'allow-list',
      hosts: ['a.example'],
      git: { fetch: ['https://git.example/acme/app'], push: [] },
      resources: [{ ...resources[0], variable: 'GATEHOUSE_TCP_ORDERS_DB', address: '127.0.0.1:21001' }],
    });
    const stranger = await addUser(site.tenant);
    expect((await api(stranger).get(`/workspaces/${id}/network`)).status).toBe(404);
  });

  test('is opened by owners alone, for the organisation and for a template', async () => {
    const site = await makeSite();
    const admin = await addUser(site.tenant, ['template-admin']);
    const refused = await put(admin, `/templates/${site.templateId}/policy`, { egress: 'open' });
    expect(problem(refused).code).toBe('permission-denied');
    expect(await eventOfAnswer(site.tenant, refused)).toMatchObject({
      action: 'policy.update',
      outcome: 'denied',
      reason: 'Only owners open egress',
    });
    expect((await put(admin, `/templates/${site.templateId}/policy`, { egress: 'none' })).status).toBe(200);
    expect((await put(site.tenant.owner, '/tenant/policy', { egress: 'open' })).status).toBe(200);
  });

  test('keeps a workspace from runners that can’t limit it, and the refusal names the field', async () => {
    const site = await makeSite();
    const old = await enrollRunner(site.tenant);
    await connectControl(old, { enforces: ['upload', 'download'] });
    const answer = await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box', runnerId: old.id });
    expect(problem(answer)).toMatchObject({ code: 'not-ready', detail: expect.stringContaining('egress') });
    const shown = read(await api(site.tenant.owner).get('/tenant/policy'), policyShown);
    expect(shown.fields.find(({ field }) => field === 'egress')).toMatchObject({ state: 'not enforced', lacking: [old.name] });
    await setTenant(site, { egress: 'open' });
    expect((await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box', runnerId: old.id })).status).toBe(201);
  });
});

describe('what a runner saw', () => {
  async function tellAll(happenings: EgressHappening[]) {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const tell = (report: number, egress: EgressHappening) =>
      site.tell({ kind: 'happened', report, time: `2026-03-01T10:00:0${report}.000Z`, body: { workspaceId: id, egress } });
    happenings.forEach((each, index) => tell(2 + index, each));
    const stored = (report: number) => site.control.until((message) => message.kind === 'stored' && message.report === report);
    await stored(1 + happenings.length);
    const events = async () =>
      (await eventsOf(site.tenant)).filter(({ action }) => action.startsWith('egress.') || action.startsWith('git.'));
    return { site, id, tell, stored, events };
  }

  test('is in the trail, as the owner’s, with what was refused and why, and how often', async () => {
    const { site, id, events } = await tellAll([
      { what: 'refused', host: 'evil.example', port: 443, why: 'it is not on the list of hosts', count: 3 },
      { what: 'used', host: 'registry.npmjs.org', port: 443, connections: 2, sent: 100, received: 20_000 },
      { what: 'git-fetch', repository: 'https://git.example/a/b', asPerson: true, status: 200 },
      { what: 'git-push', repository: 'https://git.example/a/b', asPerson: true, status: 0, refs: ['111→222 refs/heads/main'], more: 0 },
      { what: 'git-push', repository: 'https://git.example/a/b', asPerson: true, status: 403, refs: [], more: 0 },
      { what: 'git-refused', repository: 'https://git.example/eve/x', service: 'push', why: 'it is not on the list', count: 1 },
    ]);
    const about = { actor: { type: 'user', id: site.dev.id, via: 'workspace' }, resource: { type: 'workspace', id }, workspaceId: id };
    expect(await events()).toMatchObject([
      {
        ...about,
        action: 'egress.connect',
        outcome: 'denied',
        details: { host: 'evil.example', port: 443, count: 3, template: 'shell', runner: site.runner.name },
      },
      { ...about, action: 'egress.connect', outcome: 'success', details: { connections: 2, sent: 100, received: 20_000 } },
      { ...about, action: 'git.fetch', outcome: 'success', time: '2026-03-01T10:00:04.000Z' },
      { ...about, action: 'git.push', outcome: 'success', details: { refs: '111→222 refs/heads/main', credential: true } },
      { ...about, action: 'git.push', outcome: 'failure', reason: 'The server answered 403' },
      { ...about, action: 'git.push', outcome: 'denied', details: { repository: 'https://git.example/eve/x' } },
    ]);
  });

  test('is one event, however often it is repeated', async () => {
    const refused = { what: 'refused', host: 'evil.example', port: 443, why: 'no', count: 1 } as const;
    const { site, tell, stored, events } = await tellAll([refused]);
    tell(2, refused);
    await stored(2);
    // As if the note of what was stored had been lost.
    const again = await connectControl(site.runner);
    again.tell({
      kind: 'happened',
      report: 2,
      time: '2026-03-01T10:00:02.000Z',
      body: { workspaceId: (await events())[0]?.workspaceId ?? '', egress: refused },
    });
    await again.control.until(({ kind }) => kind === 'stored');
    expect(await events()).toHaveLength(1);
  });

  test('of a workspace that is another runner’s is not believed', async () => {
    const refused = { what: 'refused', host: 'evil.example', port: 443, why: 'no', count: 1 } as const;
    const { site, id, events } = await tellAll([refused]);
    const other = await enrollRunner(site.tenant);
    const { tell, control } = await connectControl(other);
    tell({ kind: 'happened', report: 1, time: '2026-03-01T10:00:00.000Z', body: { workspaceId: id, egress: refused } });
    await control.until(({ kind }) => kind === 'stored');
    expect((await events()).filter(({ details }) => details['runner'] === other.name)).toEqual([]);
  });
});

describe('a person’s git credentials', () => {
  const credential = { host: 'Git.Example', username: 'dev', secret: 'gH7-very-secret-token' };

  test('are kept sealed, shown without their secret, and replaced by host', async () => {
    const { tenant, dev } = await makeSite();
    const answer = await api(dev).post('/me/git-credentials', credential);
    expect(read(answer, gitCredential)).toMatchObject({ host: 'git.example', username: 'dev' });
    expect(JSON.stringify(answer.body)).not.toContain(credential.secret);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'git_credential.add',
      details: { host: 'git.example', username: 'dev' },
    });
    await api(dev).post('/me/git-credentials', { ...credential, username: 'ada' });
    const { items } = read(await api(dev).get('/me/git-credentials'), gitCredentialList);
    expect(items).toMatchObject([{ host: 'git.example', username: 'ada' }]);
    const rows = await tenant.db.rows('SELECT * FROM git_credentials WHERE tenant_id = ?', tenant.id);
    expect(JSON.stringify([rows, await eventsOf(tenant)])).not.toContain(credential.secret);
    const removed = await api(dev).delete(`/me/git-credentials/${items[0]?.id}`);
    expect(removed.status).toBe(204);
    expect(await eventOfAnswer(tenant, removed)).toMatchObject({ action: 'git_credential.remove', details: { host: 'git.example' } });
    expect(read(await api(dev).get('/me/git-credentials'), gitCredentialList).items).toEqual([]);
  });

  test.each([['https://git.example'], ['10.0.0.1'], ['localhost'], ['git.example/a']])('are for hosts, not for %s', async (host) => {
    const { dev } = await makeSite();
    expect(problem(await api(dev).post('/me/git-credentials', { ...credential, host })).errors).toMatchObject([{ path: 'host' }]);
  });

  test('are nobody else’s to remove', async () => {
    const { dev, tenant } = await makeSite();
    const { id } = read(await api(dev).post('/me/git-credentials', credential), gitCredential);
    expect((await api(tenant.owner).delete(`/me/git-credentials/${id}`)).status).toBe(404);
  });

  test('go to the runner of the person’s running workspace, sealed to it, and go when they are removed or the person is suspended', async () => {
    const site = await makeSite();
    const keys = await rekey(site);
    const { id } = await makeRunning(site);
    const made = read(await api(site.dev).post('/me/git-credentials', credential), gitCredential);
    const { gitCredentials: sealed } = await orderOf(site.control, id, ({ gitCredentials }) => gitCredentials !== undefined);
    const about = [site.runner.id, id];
    const opened = await openSealed(keys, { purpose: 'git-credentials', about }, sealed ?? '');
    expect(JSON.parse(new TextDecoder().decode(opened))).toEqual([{ ...credential, host: 'git.example' }]);
    await expect(openSealed(keys, { purpose: 'git-credentials', about: [site.runner.id, 'wsp_other'] }, sealed ?? '')).rejects.toThrow();
    await expect(openSealed(await generateKeyPair(), { purpose: 'git-credentials', about }, sealed ?? '')).rejects.toThrow();
    await api(site.dev).delete(`/me/git-credentials/${made.id}`);
    await orderOf(site.control, id, ({ gitCredentials }) => gitCredentials === undefined);
    await api(site.dev).post('/me/git-credentials', credential);
    await orderOf(site.control, id, ({ gitCredentials }) => gitCredentials !== undefined);
    await api(site.tenant.owner).post(`/users/${site.dev.id}/suspend`);
    await orderOf(site.control, id, ({ gitCredentials }) => gitCredentials === undefined);
    await api(site.tenant.owner).post(`/users/${site.dev.id}/activate`);
    await orderOf(site.control, id, ({ gitCredentials }) => gitCredentials !== undefined);
    await api(site.tenant.owner).post(`/workspaces/${id}/stop`);
    const stopped = await orderOf(site.control, id, ({ desired }) => desired === 'stopped');
    expect(stopped.gitCredentials).toBeUndefined();
  });

  test('of somebody else don’t go along', async () => {
    const site = await makeSite();
    await api(site.tenant.owner).post('/me/git-credentials', credential);
    const { order } = await makeRunning(site);
    expect(order).toMatchObject({ kind: 'order', order: { owner: { email: site.dev.email } } });
    expect(order.kind === 'order' && order.order.gitCredentials).toBeUndefined();
  });
});

/** Gives the site's runner an agreement key whose private half is known here. */
async function rekey({ tenant, runner }: Site): Promise<KeyPair> {
  const keys = await generateKeyPair();
  await tenant.db.batch([
    statement('UPDATE runners SET agreement_key = ? WHERE tenant_id = ? AND id = ?', base64url(keys.publicKey), tenant.id, runner.id),
  ]);
  return keys;
}
