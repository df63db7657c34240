import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import type { Problem } from '@gatehouse/core/api/common.ts';
import { attachment, workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import { GRANT_TYPE, viewerGrant } from '@gatehouse/core/protocol/connection.ts';
import { base64url, fromBase64url } from '../../../worker/platform/encoding.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { openSocket } from '../../support/runners.ts';
import { BROWSER_KEY, proofHeader } from '../../support/browser-key.ts';
import { attachTo, grantOn, join, makeRunning, makeSite } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, eventsOf, ORIGIN, problem, read, services } from '../../support/tenants.ts';

// Dozens of connections one after another.
vi.setConfig({ testTimeout: 40_000 });

const sha256 = async (bytes: Uint8Array) => new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));
/** RFC 7638 of the browser's key, made out by hand. */
const thumbprint = async () =>
  base64url(await sha256(new TextEncoder().encode(`{"crv":"P-256","kty":"EC","x":"${BROWSER_KEY.x}","y":"${BROWSER_KEY.y}"}`)));

describe('opening a connection', () => {
  test('is in the log before access is given, with the access and the browser’s key', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await attachTo(site.dev, id);
    const { connectionId, access } = read(answer, attachment);
    expect(access).toBe('own');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      action: 'connection.open',
      resource: { id: connectionId },
      workspaceId: id,
      details: { access: 'own', keyThumbprint: await thumbprint() },
    });
  });

  test('the grant is for that runner, workspace, person and key, for a minute', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { grant, connectionId } = read(await attachTo(site.dev, id), attachment);
    expect(decodeProtectedHeader(grant)).toMatchObject({ alg: 'EdDSA', typ: GRANT_TYPE });
    const { d: _private, ...publicKey } = services().settings.GRANT_KEY;
    const { payload } = await jwtVerify(grant, await importJWK(publicKey, 'EdDSA'), { issuer: ORIGIN, audience: site.runner.id });
    const claims = viewerGrant.parse(payload);
    expect(claims).toMatchObject({
      sub: site.dev.id,
      jti: connectionId,
      workspace: id,
      name: site.dev.name,
      access: 'own',
      cnf: { jkt: await thumbprint() },
    });
    expect(claims.exp - claims.iat).toBe(60);
  });

  test('O6: the runner’s public keys come along, and the fingerprint is SHA-256 over both, identity first', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { runner } = read(await attachTo(site.dev, id), attachment);
    expect(runner).toMatchObject({ identityKey: site.runner.keys.identityKey, agreementKey: site.runner.keys.agreementKey });
    const both = new Uint8Array([...fromBase64url(runner.identityKey), ...fromBase64url(runner.agreementKey)]);
    const hex = [...(await sha256(both))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    expect([runner.fingerprint, site.runner.fingerprint]).toEqual([`SHA256:${hex}`, `SHA256:${hex}`]);
  });

  test.each([['cross-site'], ['none'], [undefined]])(
    'is refused to what is not our own page (Sec-Fetch-Site %s), with an event',
    async (fetchSite) => {
      const site = await makeSite();
      const { id } = await makeRunning(site);
      const headers = fetchSite === undefined ? {} : { 'Sec-Fetch-Site': fetchSite };
      const answer = await api(site.dev).post(`/workspaces/${id}/attach`, { key: BROWSER_KEY }, headers);
      expect(problem(answer).code).toBe('browser-only');
      expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'connection.open', outcome: 'denied', workspaceId: id });
    },
  );

  test('needs a public key on P-256', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    for (const [path, key] of [
      ['key', undefined],
      ['key.x', { ...BROWSER_KEY, x: 'AA' }],
      ['key.crv', { ...BROWSER_KEY, crv: 'P-384' }],
    ] as const) {
      const proof = await proofHeader('POST', `/workspaces/${id}/attach`);
      const answer = await api(site.dev).post(`/workspaces/${id}/attach`, { key }, { 'Sec-Fetch-Site': 'same-origin', ...proof });
      expect([answer.status, problem(answer).errors?.[0]?.path]).toEqual([422, path]);
    }
  });

  test('is refused to the owner from whom `use` was taken', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await grantOn(site, { type: 'everyone' }, 'view');
    const answer = await attachTo(site.dev, id);
    expect(problem(answer).code).toBe('permission-denied');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'connection.open', outcome: 'denied', workspaceId: id });
  });

  test('more than 60 a minute by one person to one workspace wait, and the log hears of it once', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answers = [];
    for (let index = 0; index < 63; index++) answers.push(await attachTo(site.dev, id));
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(60).fill(200), 429, 429, 429]);
    expect(Number(answers[60]?.headers.get('Retry-After'))).toBeGreaterThan(0);
    const refusals = (await eventsOf(site.tenant)).filter(({ action, status }) => action === 'connection.open' && status === 429);
    expect(refusals).toMatchObject([{ outcome: 'denied', workspaceId: id, actor: { id: site.dev.id } }]);
    expect((await attachTo(site.tenant.owner, id)).status).toBe(200);
  });
});

describe('joining somebody else’s workspace', () => {
  test('an administrator of its template sees it and joins it, in the log before access', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const admin = await addUser(site.tenant, [], 'Ada Admin');
    expect((await api(admin).get(`/workspaces/${id}`)).status).toBe(404);
    await grantOn(site, { type: 'user', id: admin.id }, 'admin');
    expect(read(await api(admin).get(`/workspaces/${id}`), workspaceSchema)).toMatchObject({ id, mine: false });
    const answer = await attachTo(admin, id);
    const { access, grant } = read(answer, attachment);
    expect(access).toBe('join');
    const { d: _private, ...publicKey } = services().settings.GRANT_KEY;
    const { payload } = await jwtVerify(grant, await importJWK(publicKey, 'EdDSA'));
    expect(payload).toMatchObject({ sub: admin.id, name: 'Ada Admin', access: 'join' });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      action: 'connection.open',
      outcome: 'success',
      actor: { id: admin.id },
      details: { access: 'join' },
    });
  });

  test.each([['owner' as const], ['template-admin' as const]])('so does the organisation’s %s', async (role) => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    expect(read(await attachTo(await addUser(site.tenant, [role]), id), attachment).access).toBe('join');
  });

  test('who may only see it is refused, with an event; who may only use the template finds nothing', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await attachTo(await addUser(site.tenant, ['auditor']), id);
    expect(problem(answer).code).toBe('permission-denied');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'connection.open', outcome: 'denied', workspaceId: id });
    expect((await attachTo(await addUser(site.tenant), id)).status).toBe(404);
  });

  test('an administrator of the template may look, and neither start, stop nor delete', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const admin = await addUser(site.tenant);
    await grantOn(site, { type: 'user', id: admin.id }, 'admin');
    for (const answer of [await api(admin).post(`/workspaces/${id}/stop`), await api(admin).delete(`/workspaces/${id}`)]) {
      expect(problem(answer).code).toBe('permission-denied');
      expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ outcome: 'denied', actor: { id: admin.id } });
    }
  });
});

describe('a ticket', () => {
  const open = async (workspaceId: string, ticket: string, origin = ORIGIN) =>
    openSocket(`/workspaces/${workspaceId}/connect`, { Origin: origin, 'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}` });
  const codeOf = async (response: Response) => ((await response.json()) as Problem).code;

  test('opens one socket: its second use, a wrong workspace, another site, an old one are refused, with an event', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const ticket = async () => read(await attachTo(site.dev, id), attachment).ticket;

    const first = await ticket();
    expect((await open(id, first)).response.status).toBe(101);
    expect(await codeOf((await open(id, first)).response)).toBe('ticket-refused');
    expect(await codeOf((await open(services().newId('workspace'), await ticket())).response)).toBe('ticket-refused');
    expect(await codeOf((await open(id, await ticket(), 'https://evil.test')).response)).toBe('foreign-origin');

    const old = await ticket();
    await site.tenant.db.batch([
      statement('UPDATE tickets SET expires_at = ? WHERE tenant_id = ?', '2020-01-01T00:00:00.000Z', site.tenant.id),
    ]);
    expect(await codeOf((await open(id, old)).response)).toBe('ticket-refused');
    const refusals = (await eventsOf(site.tenant)).filter(({ action, outcome }) => action === 'connection.join' && outcome === 'denied');
    expect(refusals).toHaveLength(3);
  });

  test('is worthless when its session has ended since', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { ticket } = read(await attachTo(site.dev, id), attachment);
    await api(site.dev).post('/logout');
    expect((await open(id, ticket)).response.status).toBe(403);
  });

  test('carries how its holder may connect, and with which key, to the broker’s event', async () => {
    const site = await makeSite();
    const running = await makeRunning(site);
    const { number } = await join(site.tenant.owner, running.id);
    running.say({ kind: 'admitted', viewer: number });
    await expect
      .poll(async () => (await eventsOf(site.tenant)).find(({ action }) => action === 'connection.join')?.details)
      .toEqual({ viewer: number, access: 'join', keyThumbprint: await thumbprint() });
  });
});
