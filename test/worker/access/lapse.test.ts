import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { workspaceOf } from '../../../worker/compose.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement, type Statement } from '../../../worker/platform/tenant-db.ts';
import { join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addUser, api, eventsOf, services, type Tenant } from '../../support/tenants.ts';

// Each test makes a whole organisation with sockets, and waits for what happens between them.
vi.setConfig({ testTimeout: 20_000 });

const MINUTE = 60_000;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const stubOf = (workspaceId: string) => workspaceOf(env, services().settings, 's0', workspaceId);
const alarmOf = async (workspaceId: string) => {
  const at = await runInDurableObject(stubOf(workspaceId), (_object, state) => state.storage.getAlarm());
  return at === null ? null : new Date(at).toISOString();
};
/** The object's services from now on. */
const recompose = (workspaceId: string, change: (services: Services) => Partial<Services>) =>
  runInDurableObject(stubOf(workspaceId), (object) => {
    const composed = object as unknown as { compose(): Services };
    const compose = composed.compose.bind(object);
    composed.compose = () => ({ ...compose(), ...change(compose()) });
  });
/** Lets the object believe that it is so much later, in what it asks of D1 too. */
const later = (workspaceId: string, ms: number) =>
  recompose(workspaceId, (base) => {
    const now = () => new Date(Date.now() + ms);
    return {
      now,
      revocation: { ...base.revocation, lookAgain: (...args) => lookAgainAt(now, ...args) },
    };
  });
const lookAgainAt = async (now: () => Date, ...args: Parameters<Services['revocation']['lookAgain']>) => {
  const { lookAgain } = await import('../../../worker/access/revocation.ts');
  return lookAgain({ ...services(), now }, ...args);
};

const noted = async ({ id, db }: Tenant, connectionId: string) =>
  (
    await db.first<{ lapses_at: string | null }>(
      'SELECT lapses_at FROM connections WHERE tenant_id = ? AND id = ? AND ended_at IS NULL',
      ...[id, connectionId],
    )
  )?.lapses_at;

const everyoneUntil = ({ tenant, templateId }: Site, expiresAt: string | null): Statement =>
  statement('UPDATE template_acl SET expires_at = ? WHERE tenant_id = ? AND template_id = ?', expiresAt, tenant.id, templateId);

/** A running workspace whose owner may use its template until then, connected. */
async function connectedUntil(expiresAt: string) {
  const site = await makeSite();
  const running = await makeRunning(site);
  await site.tenant.db.batch([everyoneUntil(site, expiresAt)]);
  return { site, running, ...(await join(site.dev, running.id)) };
}

describe('the moment at which access may lapse', () => {
  test('is known when a connection opens, and the object wakes then', async () => {
    const ends = inMs(2 * MINUTE);
    const { site, running, connectionId } = await connectedUntil(ends);
    expect(await noted(site.tenant, connectionId)).toBe(ends);
    expect(await alarmOf(running.id)).toBe(ends);
  });

  test('is the earliest of entry, role and membership through nested groups, and session', async () => {
    const [soon, mid, late] = [inMs(MINUTE), inMs(2 * MINUTE), inMs(3 * MINUTE)];
    const site = await makeSite();
    const running = await makeRunning(site);
    const { id: tenantId, db } = site.tenant;
    const pat = await addUser(site.tenant);
    const member = 'INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, ?, ?)';
    await db.batch([
      statement(member, tenantId, 'grp_inner', 'user', pat.id),
      statement(member, tenantId, 'grp_outer', 'group', 'grp_inner'),
      statement(
        "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, expires_at, created_at) VALUES (?, ?, 'template-admin', 'group', 'grp_outer', ?, '')",
        ...[tenantId, services().newId('roleAssignment'), mid],
      ),
    ]);
    const setAll = (entry: string, role: string, session: string, inner: string, outer: string) =>
      db.batch([
        everyoneUntil(site, entry),
        statement("UPDATE role_assignments SET expires_at = ? WHERE tenant_id = ? AND subject_id = 'grp_outer'", role, tenantId),
        statement('UPDATE sessions SET expires_at = ? WHERE tenant_id = ? AND user_id = ?', session, tenantId, pat.id),
        statement("UPDATE group_members SET expires_at = ? WHERE tenant_id = ? AND group_id = 'grp_inner'", inner, tenantId),
        statement("UPDATE group_members SET expires_at = ? WHERE tenant_id = ? AND group_id = 'grp_outer'", outer, tenantId),
      ]);
    for (const [entry, role, session, inner, outer] of [
      [soon, mid, late, late, mid],
      [late, soon, mid, mid, late],
      [mid, late, soon, late, mid],
      [mid, late, late, soon, mid],
      [late, mid, late, mid, soon],
    ] as const) {
      await setAll(entry, role, session, inner, outer);
      const { connectionId, viewer } = await join(pat, running.id);
      expect(await noted(site.tenant, connectionId)).toBe(soon);
      viewer.socket.close(1000);
    }
  });

  test('K8: closes the connection within a second, with nobody’s help', async () => {
    const { viewer, site, running, connectionId } = await connectedUntil(inMs(2 * MINUTE));
    const ends = inMs(1_000);
    await site.tenant.db.batch([everyoneUntil(site, ends)]);
    await services().workspaces.expectLapses('s0', [{ workspaceId: running.id, connectionId, lapsesAt: ends }]);
    const from = Math.max(Date.parse(ends), Date.now());
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'The time for which access was given is over' });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(ends));
    expect(Date.now() - from).toBeLessThan(1_000);
    await expect
      .poll(async () => (await eventsOf(site.tenant)).find(({ action }) => action === 'connection.end'))
      .toMatchObject({ resource: { id: connectionId }, reason: 'The time for which access was given is over' });
    expect(await noted(site.tenant, connectionId)).toBeUndefined();
  });

  test('may be the end of the session', async () => {
    const { viewer, site, running } = await connectedUntil(inMs(30 * MINUTE));
    await site.tenant.db.batch([
      statement('UPDATE sessions SET expires_at = ? WHERE tenant_id = ? AND user_id = ?', inMs(10 * MINUTE), site.tenant.id, site.dev.id),
    ]);
    const second = await join(site.dev, running.id);
    await later(running.id, 10 * MINUTE);
    await runDurableObjectAlarm(stubOf(running.id));
    expect(await second.viewer.closed).toEqual({ code: 4403, reason: 'The session ended' });
    // The first learnt of the later end of the entry only; the next look finds its session gone.
    await later(running.id, 30 * MINUTE);
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await viewer.closed).code).toBe(4403);
  });

  test('takes nothing from whom something else gives access by then', async () => {
    const { viewer, site, running, connectionId } = await connectedUntil(inMs(2 * MINUTE));
    const until = inMs(20 * MINUTE);
    await site.tenant.db.batch([everyoneUntil(site, until)]);
    await later(running.id, 3 * MINUTE);
    await runDurableObjectAlarm(stubOf(running.id));
    expect(viewer.socket.readyState).toBe(WebSocket.OPEN);
    expect(await noted(site.tenant, connectionId)).toBe(until);
    await later(running.id, 20 * MINUTE);
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await viewer.closed).code).toBe(4403);
  });

  test('moves when somebody makes it sooner', async () => {
    const { site, running, connectionId } = await connectedUntil(inMs(4 * MINUTE));
    const sooner = inMs(2 * MINUTE);
    const { get, put } = api(site.tenant.owner);
    const { headers } = await get(`/templates/${site.templateId}/acl`);
    const items = [{ subject: { type: 'everyone' }, role: 'use', expiresAt: sooner }];
    await put(`/templates/${site.templateId}/acl`, { items }, { 'If-Match': headers.get('ETag') ?? '' });
    await expect.poll(() => alarmOf(running.id)).toBe(sooner);
    await expect.poll(() => noted(site.tenant, connectionId)).toBe(sooner);
  });

  test('sooner or revoked: what comes before the connection does is not forgotten', async () => {
    const site = await makeSite();
    const running = await makeRunning(site);
    const { workspaces, newId } = services();
    const connectionId = newId('connection');
    const sooner = inMs(MINUTE);
    await workspaces.expectLapses('s0', [{ workspaceId: running.id, connectionId, lapsesAt: sooner }]);
    const { id, name, email, sessionId } = site.dev;
    const response = await workspaces.connectWorkspace('s0', running.id, {
      ...{ kind: 'viewer', tenantId: site.tenant.id, shard: 's0', workspaceId: running.id, workspaceName: 'box', connectionId, sessionId },
      ...{
        user: { id, name, email },
        access: 'own',
        grantId: null,
        keyThumbprint: 'x',
        endsAt: null,
        idleMinutes: null,
        presenceUntil: null,
        lapsesAt: inMs(60 * MINUTE),
      },
    });
    response.webSocket?.accept();
    await later(running.id, MINUTE);
    const closed = new Promise((resolve) => response.webSocket?.addEventListener('close', ({ code }) => resolve(code)));
    await runDurableObjectAlarm(stubOf(running.id));
    // No row names it, so nobody vouches for it.
    expect(await closed).toBe(4403);
  });
});

describe('when nobody can say whether access goes on', () => {
  const down = () => Promise.reject(new Error('D1_ERROR: down'));
  const isDown = (workspaceId: string, ms: number) =>
    recompose(workspaceId, (base) => ({
      now: () => new Date(Date.now() + ms),
      revocation: { ...base.revocation, lookAgain: down },
    }));

  test('K8: it asks again each second, and closes in the end so that the page asks anew', async () => {
    const { viewer, running } = await connectedUntil(inMs(2 * MINUTE));
    await isDown(running.id, 3 * MINUTE);
    await runDurableObjectAlarm(stubOf(running.id));
    expect(viewer.socket.readyState).toBe(WebSocket.OPEN);
    expect(Date.parse((await alarmOf(running.id)) ?? '')).toBeLessThanOrEqual(Date.now() + 1_000);
    await isDown(running.id, 4 * MINUTE);
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await viewer.closed).code).toBe(4500);
  });

  test('a word from outside during the question is not lost with its answer', async () => {
    const { viewer, running, connectionId } = await connectedUntil(inMs(2 * MINUTE));
    const sooner = inMs(5 * MINUTE);
    await recompose(running.id, (base) => ({
      now: () => new Date(Date.now() + 3 * MINUTE),
      revocation: {
        ...base.revocation,
        lookAgain: async (_shard, _tenantId, ids) => {
          await services().workspaces.expectLapses('s0', [{ workspaceId: running.id, connectionId, lapsesAt: sooner }]);
          return ids.map((id) => ({ connectionId: id, lapsesAt: inMs(60 * MINUTE), cause: null }));
        },
      },
    }));
    await runDurableObjectAlarm(stubOf(running.id));
    expect(viewer.socket.readyState).toBe(WebSocket.OPEN);
    // It is asked again soon instead of after an hour.
    expect(Date.parse((await alarmOf(running.id)) ?? '')).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});
