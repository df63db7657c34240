import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import { APP_TRANSPORT, TRANSPORTS } from '@gatehouse/core/access/transports.ts';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import { deploymentSecurity } from '@gatehouse/core/api/deployment.ts';
import { policyShown, type PolicyShown } from '@gatehouse/core/api/policy.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { runnerPolicyClaims } from '@gatehouse/core/protocol/runner-policy.ts';
import { importJWK, jwtVerify } from 'jose';
import { app } from '../../../worker/app.ts';
import { sweepRefusals } from '../../../worker/directory/policy-refusals.ts';
import { authenticate } from '../../../worker/identity/authenticate.ts';
import { attach } from '../../../worker/workspaces/attach.ts';
import { parseSettings } from '../../../worker/platform/env.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { describeApi } from '../../../worker/openapi.ts';
import { BROWSER_KEY } from '../../support/browser-key.ts';
import { connectControl, enrollRunner, frame, openSocket } from '../../support/runners.ts';
import { attachTo, join, makePair, makeRunning, makeSite, type Site } from '../../support/site.ts';
import {
  addUser,
  api,
  call,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  problem,
  read,
  requestFrom,
  services,
  type Answer,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

// Sign-ins hash, one after another.
vi.setConfig({ testTimeout: 20_000 });

const HERE = '192.0.2.10';
const ELSEWHERE = '203.0.113.9';
const from = (ip: string) => ({ 'CF-Connecting-IP': ip });

const put = async (person: Person, path: string, values: PolicyValues, ip = HERE): Promise<Answer> => {
  const { headers } = await call('GET', path, { cookie: person.cookie, headers: from(ip) });
  const sent = { 'If-Match': headers.get('ETag') ?? '', ...from(ip) };
  return call('PUT', path, { cookie: person.cookie, body: { values }, headers: sent });
};
const setTenant = async (tenant: Tenant, values: PolicyValues): Promise<PolicyShown> => {
  const answer = await put(tenant.owner, '/tenant/policy', values);
  return read(answer, policyShown);
};
const setTemplate = async (site: Site, values: PolicyValues) =>
  read(await put(site.tenant.owner, `/templates/${site.templateId}/policy`, values), policyShown);
const fieldOf = (shown: PolicyShown, field: string) => shown.fields.find((each) => each.field === field);
/** Services of a deployment with that floor. */
const withFloor = (policy: PolicyValues): Services => ({ ...services(), settings: { ...services().settings, policy } });

describe('the organisation’s policy', () => {
  test('is nothing at first, and what is set is one event with its structured diff', async () => {
    const tenant = await mintTenant();
    const before = read(await api(tenant.owner).get('/tenant/policy'), policyShown);
    // The tests' deployment opens web apps.
    expect(before.levels).toEqual({ deployment: { ports: 'tenant' }, tenant: {}, template: {} });
    const answer = await put(tenant.owner, '/tenant/policy', { upload: 20, watermark: 'on' });
    expect(answer.headers.get('ETag')).toBe('"1"');
    expect(fieldOf(read(answer, policyShown), 'upload')).toMatchObject({ value: 20, source: 'tenant', refused: null });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'policy.update',
      outcome: 'success',
      resource: { type: 'policy', id: 'tenant', name: tenant.name },
      diff: [
        { path: 'upload', old: null, new: 20 },
        { path: 'watermark', old: null, new: 'on' },
      ],
    });
  });

  test('is replaced whole, and only as seen', async () => {
    const tenant = await mintTenant();
    await setTenant(tenant, { upload: 20 });
    const owner = api(tenant.owner);
    const body = { values: { download: 5 } };
    expect(problem(await owner.put('/tenant/policy', body)).code).toBe('precondition-required');
    for (const stale of ['"0"', '"2"'])
      expect(problem(await owner.put('/tenant/policy', body, { 'If-Match': stale })).code).toBe('stale-version');
    const shown = read(await owner.put('/tenant/policy', body, { 'If-Match': '"1"' }), policyShown);
    expect(shown.levels.tenant).toEqual({ download: 5 });
    expect(fieldOf(shown, 'upload')).toMatchObject({ value: null, source: 'default' });
  });

  test('of two changes at once one wins', async () => {
    const tenant = await mintTenant();
    const change = (upload: number) => api(tenant.owner).put('/tenant/policy', { values: { upload } }, { 'If-Match': '"0"' });
    const statuses = (await Promise.all([change(1), change(2)])).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 412]);
  });

  test('what nothing enforces can’t be set, and the answer names it', async () => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).put('/tenant/policy', { values: { recordInput: 'on' } }, { 'If-Match': '"0"' });
    expect(answer.status).toBe(422);
    expect(problem(answer).errors).toMatchObject([{ path: 'values.recordInput', message: expect.stringMatching(/^Not offered/) }]);
    const { unavailable } = read(await api(tenant.owner).get('/tenant/policy'), policyShown);
    expect(unavailable.map((each) => each.field)).toContain('recordInput');
  });

  test('shuts nobody out who sets it', async () => {
    const tenant = await mintTenant();
    const answer = await put(tenant.owner, '/tenant/policy', { allowedNetworks: ['198.51.100.0/24'] });
    expect(problem(answer).errors).toMatchObject([{ path: 'values.allowedNetworks', message: expect.stringContaining(HERE) }]);
  });
});

describe('a template’s policy', () => {
  test('is stricter where it can be, and is told where it is overruled', async () => {
    const site = await makeSite();
    await setTenant(site.tenant, { upload: 20 });
    const shown = await setTemplate(site, { upload: 50, download: 5 });
    expect(fieldOf(shown, 'upload')).toMatchObject({ value: 20, source: 'tenant', overruled: [{ level: 'template', value: 50 }] });
    expect(fieldOf(shown, 'download')).toMatchObject({ value: 5, source: 'template' });
  });

  test('is its administrators’, and its event names the template', async () => {
    const site = await makeSite();
    const answer = await api(site.dev).get(`/templates/${site.templateId}/policy`);
    expect(problem(answer).code).toBe('permission-denied');
    const changed = await put(site.tenant.owner, `/templates/${site.templateId}/policy`, { watermark: 'on' });
    expect(await eventOfAnswer(site.tenant, changed)).toMatchObject({
      action: 'policy.update',
      resource: { id: site.templateId, name: 'template shell' },
      diff: [{ path: 'watermark', old: null, new: 'on' }],
    });
  });
});

describe('the deployment’s floor', () => {
  const set = (variables: Record<string, string>) => parseSettings({ ...env, ...variables }).policy;

  test('is read from its variables', () => {
    const floor = set({
      POLICY_ALLOWED_NETWORKS: '10.20.1.9/14, 192.0.2.7',
      POLICY_SESSION_LIMIT: '600',
      POLICY_BROWSER_ONLY: 'off',
      POLICY_UPLOAD: '0',
      POLICY_STEP_UP: '4',
      POLICY_EGRESS: 'allow-list',
      POLICY_EGRESS_HOSTS: 'registry.npmjs.org, *.pypi.org',
      POLICY_GIT_PUSH: 'https://git.example/acme/*',
      POLICY_PORTS: 'owner',
    });
    expect(floor).toEqual({
      allowedNetworks: ['10.20.0.0/14', '192.0.2.7/32'],
      sessionLimit: 600,
      browserOnly: 'off',
      upload: 0,
      stepUp: 4,
      egress: 'allow-list',
      egressHosts: ['*.pypi.org', 'registry.npmjs.org'],
      git: { fetch: ['https://git.example/acme/*'], push: ['https://git.example/acme/*'] },
      ports: 'owner',
    });
    expect(set({ POLICY_PORTS: '' })).toEqual({});
  });

  test.each([
    ['POLICY_SESSION_LIMIT', 'long'],
    ['POLICY_UPLOAD', '-1'],
    ['POLICY_STEP_UP', '13'],
    ['POLICY_PORTS', 'everybody'],
    ['POLICY_BROWSER_ONLY', 'yes'],
    ['POLICY_ALLOWED_NETWORKS', '10.0.0.0/99'],
    ['POLICY_EGRESS', 'closed'],
    ['POLICY_EGRESS_HOSTS', 'packages.example, 10.0.0.1'],
  ])('a deployment with a wrong %s does not start, and says which', (name, value) => {
    expect(() => set({ [name]: value })).toThrow(name);
  });
});

describe('allowed networks', () => {
  test('hold for sign-in, requests and connections, with an event and a count each', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTenant(site.tenant, { allowedNetworks: [`${HERE}/32`] });
    const { slug, owner } = site.tenant;
    const signIn = (ip: string) =>
      call('POST', '/login', { body: { tenant: slug, email: owner.email, password: owner.password }, headers: from(ip) });
    expect((await signIn(HERE)).status).toBe(200);
    const refused = await signIn(ELSEWHERE);
    expect(problem(refused).code).toBe('network-refused');
    expect(await eventOfAnswer(site.tenant, refused)).toMatchObject({
      action: 'user.sign_in',
      outcome: 'denied',
      details: { policy: 'allowedNetworks' },
    });

    const asked = await call('GET', '/me', { cookie: site.dev.cookie, headers: from(ELSEWHERE) });
    expect(problem(asked).code).toBe('network-refused');
    expect(await eventOfAnswer(site.tenant, asked)).toMatchObject({ action: 'request.denied', outcome: 'denied' });
    expect((await attachTo(site.dev, id, { headers: from(HERE) })).status).toBe(200);
    const shown = read(await call('GET', '/tenant/policy', { cookie: owner.cookie, headers: from(HERE) }), policyShown);
    expect(fieldOf(shown, 'allowedNetworks')).toMatchObject({ state: 'enforced', refused: 2 });
  });

  test('a template’s hold for its workspaces alone', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTemplate(site, { allowedNetworks: [`${HERE}/32`] });
    expect((await call('GET', '/me', { cookie: site.dev.cookie, headers: from(ELSEWHERE) })).status).toBe(200);
    const answer = await attachTo(site.dev, id, { headers: from(ELSEWHERE) });
    expect(problem(answer).code).toBe('network-refused');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'connection.open', outcome: 'denied', workspaceId: id });
  });

  test('connections from outside are closed when the networks are set', async () => {
    const { site, viewer } = await makePair();
    await setTenant(site.tenant, { allowedNetworks: [`${HERE}/32`] });
    expect((await viewer.closed).code).toBe(4403);
    await expect
      .poll(async () => (await eventsOf(site.tenant)).find(({ action }) => action === 'connection.end')?.reason)
      .toBe(`The policy of ${site.tenant.name} changed`);
  });
});

describe('how long a session lasts', () => {
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const age = (site: { tenant: Tenant }, person: Person, set: { created_at?: string; last_seen_at?: string }) =>
    site.tenant.db.batch(
      Object.entries(set).map(([column, value]) =>
        statement(`UPDATE sessions SET ${column} = ? WHERE tenant_id = ? AND id = ?`, value, site.tenant.id, person.sessionId),
      ),
    );

  test('a new one ends by the limit, and an older one as soon as it is set', async () => {
    const tenant = await mintTenant();
    const pat = await addUser(tenant);
    await age({ tenant }, pat, { created_at: minutesAgo(31) });
    expect((await api(pat).get('/me')).status).toBe(200);
    await setTenant(tenant, { sessionLimit: 30 });
    expect((await api(pat).get('/me')).status).toBe(401);
    const body = { tenant: tenant.slug, email: pat.email, password: pat.password };
    const { session } = (await call('POST', '/login', { body })).body as { session: { expiresAt: string } };
    expect(Date.parse(session.expiresAt) - Date.now()).toBeLessThanOrEqual(30 * 60_000);
  });

  test('one that is not used ends by the idle time, and one that is goes on', async () => {
    const tenant = await mintTenant();
    const [idle, busy] = [await addUser(tenant), await addUser(tenant)];
    await setTenant(tenant, { idleTimeout: 20 });
    await age({ tenant }, idle, { last_seen_at: minutesAgo(21) });
    await age({ tenant }, busy, { last_seen_at: minutesAgo(19) });
    expect([(await api(idle).get('/me')).status, (await api(busy).get('/me')).status]).toEqual([401, 200]);
  });

  test('a template’s limit holds for connecting: a session that is too old signs in again', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await setTemplate(site, { sessionLimit: 30 });
    await age(site, site.dev, { created_at: minutesAgo(31) });
    const answer = await attachTo(site.dev, id);
    expect(problem(answer)).toMatchObject({ code: 'browser-only', detail: expect.stringContaining('sign in again') });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ outcome: 'denied', details: { policy: 'sessionLimit' } });
  });
});

describe('K9: how long a connection lasts', () => {
  const stubOf = (id: string) => env.WORKSPACE.getByName(id);
  const inStore = (id: string, sql: string, ...values: Array<string | number>) =>
    runInDurableObject(stubOf(id), (_object, state) => void state.storage.sql.exec(sql, ...values));

  test('it ends with its session’s time, with 4401', async () => {
    const { viewer, running } = await makePair();
    await inStore(running.id, "UPDATE viewers SET facts = json_set(facts, '$.endsAt', '2020-01-01T00:00:00.000Z')");
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await viewer.closed).code).toBe(4401);
  });

  test('it ends when nothing was typed or saved for the idle time, with 4411; typing keeps it', async () => {
    const site = await makeSite();
    await setTemplate(site, { idleTimeout: 10 });
    const running = await makeRunning(site);
    const [idle, busy] = [await join(site.dev, running.id), await join(site.tenant.owner, running.id)];
    const longAgo = Date.now() - 11 * 60_000;
    await inStore(running.id, 'UPDATE viewers SET active_at = ?', longAgo);
    busy.viewer.socket.send(frame({ stream: 1 }));
    await running.link.until((each) => each.type === 'data');
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await idle.viewer.closed).code).toBe(4411);
    expect(busy.viewer.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('the alarm rings as soon as the policy asks for it', async () => {
    const site = await makeSite();
    await setTemplate(site, { idleTimeout: 10 });
    const running = await makeRunning(site);
    await join(site.dev, running.id);
    const alarm = await runInDurableObject(stubOf(running.id), (_object, state) => state.storage.getAlarm());
    expect((alarm ?? Infinity) - Date.now()).toBeLessThanOrEqual(2.5 * 60_000);
  });

  test('a policy that becomes stricter binds connections that are open', async () => {
    const { site, running } = await makePair();
    await setTemplate(site, { idleTimeout: 10 });
    const idle = () =>
      runInDurableObject(stubOf(running.id), (_object, state) =>
        state.storage.sql
          .exec<{ facts: string }>('SELECT facts FROM viewers')
          .toArray()
          .map(({ facts }) => (JSON.parse(facts) as { idleMinutes: number }).idleMinutes),
      );
    await expect.poll(idle).toEqual([10]);
  });
});

describe('browser-only switched off by the operator', () => {
  test('lets a program in with the person’s session, and one organisation can still switch it on', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const loose = withFloor({ browserOnly: 'off' });
    const ask = async () => attach(await authenticate(loose, requestFrom(HERE), site.dev.cookie), id, BROWSER_KEY, undefined);
    expect((await ask()).policy.browserOnly).toBe('off');
    await setTenant(site.tenant, { browserOnly: 'on' });
    await expect(ask()).rejects.toMatchObject({ code: 'browser-only' });
  });
});

describe('what runners enforce', () => {
  const policyIn = async (signed: string | undefined, runnerId: string) => {
    const { d: _private, ...key } = services().settings.GRANT_KEY;
    const { payload } = await jwtVerify(signed ?? '', await importJWK(key, 'EdDSA'), { typ: 'gatehouse-policy+jwt', audience: runnerId });
    return runnerPolicyClaims.parse(payload);
  };

  test('comes signed with each order, and again as soon as the policy changes', async () => {
    const site = await makeSite();
    await setTenant(site.tenant, { download: 5 });
    const { id, order } = await makeRunning(site);
    if (order.kind !== 'order') throw new Error('No order came');
    expect(await policyIn(order.order.policy, site.runner.id)).toMatchObject({ sub: id, policy: { download: 5, egress: 'allow-list' } });
    await setTemplate(site, { upload: 0 });
    const wanted = async () => {
      const message = await site.control.until(({ kind }) => kind === 'ready');
      if (message.kind !== 'ready') throw new Error('Not ready');
      return (await policyIn(message.orders[0]?.policy, site.runner.id)).policy;
    };
    expect(await wanted()).toEqual({ download: 5, upload: 0, egress: 'allow-list' });
  });

  test('is shown as they report it, and workspaces go only to those that can', async () => {
    const tenant = await mintTenant();
    const state = async () => fieldOf(read(await api(tenant.owner).get('/tenant/policy'), policyShown), 'upload');
    expect(await state()).toMatchObject({ state: 'unknown' });
    const old = await enrollRunner(tenant);
    await connectControl(old, { enforces: undefined });
    expect(await state()).toMatchObject({ state: 'unknown' });
    await setTenant(tenant, { upload: 20 });
    const owner = api(tenant.owner);
    const { id: templateId } = (await owner.post('/templates', { name: 'shell' })).body as { id: string };
    const refused = await owner.post('/workspaces', { templateId, name: 'box' });
    expect(problem(refused)).toMatchObject({ code: 'not-ready', detail: expect.stringContaining('upload') });
    const able = await enrollRunner(tenant);
    await connectControl(able);
    const made = await owner.post('/workspaces', { templateId, name: 'box' });
    expect(made.body).toMatchObject({ runner: { id: able.id } });
    await connectControl(old, { enforces: [] });
    await expect.poll(state).toMatchObject({ state: 'not enforced', lacking: [old.name] });
  });
});

describe('transports', () => {
  test('each route that opens a socket stands in the table, and nothing else does', async () => {
    const { paths } = describeApi(app, 'https://gatehouse.test') as unknown as {
      paths: Record<string, Record<string, { responses: object }>>;
    };
    const opening = Object.entries(paths).flatMap(([path, verbs]) =>
      Object.entries(verbs)
        .filter(([, { responses }]) => '101' in responses)
        .map(([verb]) => `${verb.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect([...opening, APP_TRANSPORT].sort()).toEqual(Object.keys(TRANSPORTS).sort());
  });

  test('any other route is refused a socket, with an event', async () => {
    const tenant = await mintTenant();
    const { response } = await openSocket('/me', { Cookie: tenant.owner.cookie, Origin: 'https://gatehouse.test' });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, 'browser-only']);
    const denied = (await eventsOf(tenant)).find(({ action }) => action === 'request.denied');
    expect(denied).toMatchObject({ outcome: 'denied', resource: { name: 'GET /api/v1/me' } });
  });

  test('a workspace’s socket opens with a ticket alone, and a token or a cookie is none', async () => {
    const { running, site } = await makePair();
    for (const headers of [{ Cookie: site.dev.cookie }, { Authorization: 'Bearer gh_anything' }] as Array<Record<string, string>>) {
      const { socket } = await openSocket(`/workspaces/${running.id}/connect`, { Origin: 'https://gatehouse.test', ...headers });
      expect(socket).toBeNull();
    }
  });
});

test('counts of refusals are swept once no page shows them', async () => {
  const tenant = await mintTenant();
  const count = (hour: string) =>
    statement("INSERT INTO policy_refusals (tenant_id, field, hour, count) VALUES (?, 'browserOnly', ?, 3)", tenant.id, hour);
  const recent = new Date().toISOString().slice(0, 13);
  await tenant.db.batch([count('2026-01-01T00'), count(recent)]);
  await sweepRefusals(services());
  const left = await tenant.db.rows<{ hour: string }>('SELECT hour FROM policy_refusals WHERE tenant_id = ?', tenant.id);
  expect(left).toEqual([{ hour: recent }]);
});

describe('the security page', () => {
  test('shows what is in force, what can’t be set, and which templates are stricter', async () => {
    const site = await makeSite();
    await setTenant(site.tenant, { upload: 20 });
    await setTemplate(site, { upload: 5, watermark: 'on' });
    const shown = read(await api(site.tenant.owner).get('/deployment/security'), deploymentSecurity);
    expect(shown.browserOnly).toBe(true);
    expect(shown.stricter).toEqual([
      { field: 'upload', count: 1, first: { template: 'shell', value: 5 } },
      { field: 'watermark', count: 1, first: { template: 'shell', value: 'on' } },
    ]);
    const member = read(await api(site.dev).get('/deployment/security'), deploymentSecurity);
    expect(member.stricter.map(({ first }) => first)).toEqual([null, null]);
  });
});

test('a watermark is asked of the page by what lets it in', async () => {
  const site = await makeSite();
  await setTemplate(site, { watermark: 'on' });
  const { id } = await makeRunning(site);
  expect(read(await attachTo(site.dev, id), attachment).policy.watermark).toBe('on');
});
