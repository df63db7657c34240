import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { runRevocation } from '../../../worker/access/revocation.ts';
import { sweepRevocations } from '../../../worker/access/sweep.ts';
import { compose } from '../../../worker/compose.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { openSocket } from '../../support/runners.ts';
import { attachTo, join, makePair, type Site } from '../../support/site.ts';
import { addUser, api, eventsOf, ORIGIN, read, services, type Person, type Tenant } from '../../support/tenants.ts';
import { watchedD1 } from '../../support/watched-d1.ts';

const LONG_AGO = '2026-01-01T00:00:00.000Z';
const tasksOf = (tenant: Tenant) => tenant.db.rows<{ id: string }>('SELECT id FROM revocations WHERE tenant_id = ?', tenant.id);
const openRows = (tenant: Tenant) =>
  tenant.db.rows<{ id: string }>('SELECT id FROM connections WHERE tenant_id = ? AND ended_at IS NULL ORDER BY id', tenant.id);
const keptTask = async (tenant: Tenant, createdAt: string) => {
  const id = services().newId('revocation');
  await tenant.db.batch([
    statement(
      'INSERT INTO revocations (tenant_id, id, users, cause, created_at) VALUES (?, ?, NULL, ?, ?)',
      tenant.id,
      id,
      'A test',
      createdAt,
    ),
  ]);
  return id;
};
const takeAclAway = ({ tenant, templateId }: Pick<Site, 'tenant' | 'templateId'>) =>
  tenant.db.batch([statement('DELETE FROM template_acl WHERE tenant_id = ? AND template_id = ?', tenant.id, templateId)]);
const withShard = (SHARD_0: D1Database): typeof env => ({ ...env, SHARD_0 });
const isOpen = ({ socket }: { socket: WebSocket }) => socket.readyState === WebSocket.OPEN;
const dial = async (workspaceId: string, ticket: string) =>
  (await openSocket(`/workspaces/${workspaceId}/connect`, { Origin: ORIGIN, 'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}` }))
    .response;
const run = async (tenant: Tenant, by: Services = services()) =>
  runRevocation(by, 's0', tenant.id, await keptTask(tenant, new Date().toISOString()));

describe('taking `use` away', () => {
  test('K7: closes the open connection with 4403, says why to the person and in the trail, and leaves no task', async () => {
    const { viewer, site, connectionId } = await makePair();
    const { headers } = await api(site.tenant.owner).get(`/templates/${site.templateId}/acl`);
    await api(site.tenant.owner).put(`/templates/${site.templateId}/acl`, { items: [] }, { 'If-Match': headers.get('ETag') ?? '' });
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'Who may use template shell changed' });
    await expect
      .poll(
        async () =>
          (await eventsOf(site.tenant)).find(({ action, resource }) => action === 'connection.end' && resource.id === connectionId)?.reason,
      )
      .toBe('Who may use template shell changed');
    await expect.poll(() => tasksOf(site.tenant)).toEqual([]);
    expect(await openRows(site.tenant)).toEqual([]);
  });

  test('keeps the connections of those who may still use it', async () => {
    const { viewer, site, running } = await makePair();
    const other = await join(site.tenant.owner, running.id);
    await takeAclAway(site);
    await run(site.tenant);
    expect((await viewer.closed).code).toBe(4403);
    expect(isOpen(other.viewer)).toBe(true);
  });

  test('ends its streams at the runner', async () => {
    const { site, running, number } = await makePair();
    await takeAclAway(site);
    await run(site.tenant);
    const left = await running.link.until((each) => each.type === 'control' && running.control(each).kind === 'left');
    expect(running.control(left)).toEqual({ kind: 'left', viewer: number });
  });

  test('K7: tells the page before the close, which a browser reports late', async () => {
    const { site, viewer, control } = await makePair();
    await takeAclAway(site);
    await run(site.tenant);
    const last = await viewer.until((each) => each.type === 'control' && control(each).kind === 'closing');
    expect(control(last)).toEqual({ kind: 'closing', code: 4403 });
  });

  test('leaves its owner stopping and deleting it', async () => {
    const { site, running, viewer } = await makePair();
    await takeAclAway(site);
    await run(site.tenant);
    await viewer.closed;
    const { get, post, delete: remove } = api(site.dev);
    expect((await post(`/workspaces/${running.id}/start`)).status).toBe(403);
    expect((await get(`/workspaces/${running.id}`)).status).toBe(200);
    expect((await post(`/workspaces/${running.id}/stop`)).status).toBe(202);
    expect((await remove(`/workspaces/${running.id}`)).status).toBe(202);
  });

  test.each(['group membership', 'tenant role of a group'])('is also what the loss of a %s does', async (what) => {
    const { site, running } = await makePair();
    const pat = await addUser(site.tenant);
    const { id: tenantId, db } = site.tenant;
    const grant =
      what === 'group membership'
        ? statement(
            "INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, created_at, created_by) VALUES (?, ?, 'group', 'grp_outer', 'admin', '', '')",
            ...[tenantId, site.templateId],
          )
        : statement(
            "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, 'template-admin', 'group', 'grp_outer', '')",
            ...[tenantId, services().newId('roleAssignment')],
          );
    const member = 'INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, ?, ?)';
    await db.batch([
      grant,
      statement(member, tenantId, 'grp_inner', 'user', pat.id),
      statement(member, tenantId, 'grp_outer', 'group', 'grp_inner'),
    ]);
    const { viewer } = await join(pat, running.id);
    await run(site.tenant);
    expect(isOpen(viewer)).toBe(true);
    await db.batch([statement("DELETE FROM group_members WHERE tenant_id = ? AND group_id = 'grp_outer'", tenantId)]);
    await run(site.tenant);
    expect((await viewer.closed).code).toBe(4403);
  });
});

describe('who is out altogether', () => {
  const suspend = ({ tenant, dev }: Site) =>
    tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, dev.id)]);
  const endSessions = ({ tenant, dev }: Site) =>
    tenant.db.batch([statement('DELETE FROM sessions WHERE tenant_id = ? AND user_id = ?', tenant.id, dev.id)]);

  test.each([
    ['a suspended person', suspend],
    ['an ended session', endSessions],
  ])('%s loses every connection, whatever the lists say', async (_who, end) => {
    const { viewer, site, running } = await makePair();
    const other = await join(site.tenant.owner, running.id);
    await end(site);
    await run(site.tenant);
    expect((await viewer.closed).code).toBe(4403);
    expect(isOpen(other.viewer)).toBe(true);
  });

  test.each([
    ['a suspended person', suspend],
    ['an ended session', endSessions],
  ])('%s is found by the sweep even where nothing named them', async (_who, end) => {
    const { viewer, site } = await makePair();
    await end(site);
    await sweepRevocations(services());
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'The session ended' });
    expect(await openRows(site.tenant)).toEqual([]);
  });

  test('a suspended organisation loses all, at once', async () => {
    const { viewer, site, running } = await makePair();
    const other = await join(site.tenant.owner, running.id);
    const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
    await api({ cookie: '' }).post(`/operator/tenants/${site.tenant.id}/suspend`, { reason: 'Unpaid' }, headers);
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'The organisation was suspended' });
    expect((await other.viewer.closed).code).toBe(4403);
    await expect.poll(() => tasksOf(site.tenant)).toEqual([]);
  });
});

describe('what is opened while access is taken away', () => {
  test('a ticket that was given before is worthless', async () => {
    const { site, running } = await makePair();
    const pat = await addUser(site.tenant, ['template-admin']);
    const answer = await attachTo(pat, running.id);
    expect(answer.status).toBe(200);
    await site.tenant.db.batch([statement('DELETE FROM role_assignments WHERE tenant_id = ? AND subject_id = ?', site.tenant.id, pat.id)]);
    await run(site.tenant);
    const left = await site.tenant.db.rows('SELECT 1 FROM tickets WHERE tenant_id = ? AND user_id = ?', site.tenant.id, pat.id);
    expect(left).toEqual([]);
  });

  test('a ticket opens nothing once access is gone, also where no revocation has run; its row ends', async () => {
    const { site, running } = await makePair();
    const { ticket, connectionId } = read(await attachTo(site.dev, running.id), attachment);
    await takeAclAway(site);
    expect((await dial(running.id, ticket)).status).toBe(403);
    expect((await openRows(site.tenant)).map(({ id }) => id)).not.toContain(connectionId);
    expect((await eventsOf(site.tenant)).at(-1)).toMatchObject({
      action: 'connection.join',
      outcome: 'denied',
      reason: 'Access was taken away after the ticket was given',
    });
  });

  test('neither an attach nor a ticket slips through between the look and the close', async () => {
    const { site, running, viewer } = await makePair();
    const { ticket } = read(await attachTo(site.dev, running.id), attachment);
    await takeAclAway(site);
    const base = services();
    const between: number[] = [];
    const closeConnections: Services['workspaces']['closeConnections'] = async (...args) => {
      between.push((await attachTo(site.dev, running.id)).status, (await dial(running.id, ticket)).status);
      return base.workspaces.closeConnections(...args);
    };
    await run(site.tenant, { ...base, workspaces: { ...base.workspaces, closeConnections } });
    expect(between).toEqual([403, 403]);
    expect((await viewer.closed).code).toBe(4403);
    expect(await openRows(site.tenant)).toEqual([]);
  });

  test('K7: a socket that was past the last check when it was revoked is closed as it comes', async () => {
    const { site, running } = await makePair();
    const { workspaces, newId } = services();
    const connectionId = newId('connection');
    await workspaces.closeConnections('s0', [{ workspaceId: running.id, connectionId }], 'You left the group');
    const { id, name, email, sessionId } = site.dev;
    const response = await workspaces.connectWorkspace('s0', running.id, {
      ...{ kind: 'viewer', tenantId: site.tenant.id, shard: 's0', workspaceId: running.id, workspaceName: 'box', connectionId, sessionId },
      ...{ user: { id, name, email }, access: 'own', keyThumbprint: 'x', lapsesAt: null },
    });
    const socket = response.webSocket;
    const closed = new Promise((resolve) => socket?.addEventListener('close', ({ code, reason }) => resolve({ code, reason })));
    socket?.accept();
    expect(await closed).toEqual({ code: 4403, reason: 'You left the group' });
  });
});

describe('when something fails in the middle', () => {
  test('the sweep does what nothing else finished', async () => {
    const { viewer, site } = await makePair();
    await takeAclAway(site);
    await keptTask(site.tenant, LONG_AGO);
    await sweepRevocations(services());
    expect((await viewer.closed).code).toBe(4403);
    expect(await tasksOf(site.tenant)).toEqual([]);
  });

  test.each([1, 2, 3, 4])('at trip %i to D1 the task stays, and doing it again does the rest', async (failing) => {
    const { viewer, site } = await makePair();
    await takeAclAway(site);
    const id = await keptTask(site.tenant, LONG_AGO);
    const down = watchedD1(env.SHARD_0, (trip) => {
      if (trip === failing) throw new Error('D1_ERROR: down');
    });
    const broken = compose(withShard(down), () => {});
    await expect(runRevocation(broken, 's0', site.tenant.id, id)).rejects.toThrow('D1_ERROR');
    expect(await tasksOf(site.tenant)).toEqual([{ id }]);
    await sweepRevocations(services());
    expect((await viewer.closed).code).toBe(4403);
    expect(await tasksOf(site.tenant)).toEqual([]);
    expect(await openRows(site.tenant)).toEqual([]);
    await runRevocation(services(), 's0', site.tenant.id, id);
  });

  test('an object that can’t be reached keeps its task and holds up no other', async () => {
    const { viewer, site, running, connectionId } = await makePair();
    const away = await join(site.dev, running.id);
    await takeAclAway(site);
    const base = services();
    const closeConnections: Services['workspaces']['closeConnections'] = async (shard, connections, cause) => {
      const reached = connections.filter((each) => each.connectionId === connectionId);
      await base.workspaces.closeConnections(shard, reached, cause);
      return [away.connectionId];
    };
    const id = await keptTask(site.tenant, LONG_AGO);
    const broken = { ...base, workspaces: { ...base.workspaces, closeConnections } };
    await expect(runRevocation(broken, 's0', site.tenant.id, id)).rejects.toThrow('1 of 2');
    expect((await viewer.closed).code).toBe(4403);
    expect(await openRows(site.tenant)).toEqual([{ id: away.connectionId }]);
    await sweepRevocations(base);
    expect((await away.viewer.closed).code).toBe(4403);
    expect(await openRows(site.tenant)).toEqual([]);
  });

  test('a call to an object is made a second time before it counts as lost', async () => {
    const calls: string[] = [];
    const revoke = async (connectionId: string) => {
      calls.push(connectionId);
      if (calls.length === 1 || connectionId === 'con_lost') throw new Error('The object is moving');
    };
    const WORKSPACE: typeof env.WORKSPACE = Object.assign(Object.create(env.WORKSPACE), { getByName: () => ({ revoke }) });
    const { workspaces } = compose({ ...env, WORKSPACE }, () => {});
    const places = ['con_once', 'con_lost', 'con_fine'].map((connectionId) => ({ connectionId, workspaceId: `wsp_${connectionId}` }));
    expect(await workspaces.closeConnections('s0', places, 'A test')).toEqual(['con_lost']);
    expect(calls.toSorted()).toEqual(['con_fine', 'con_lost', 'con_lost', 'con_once', 'con_once']);
  });

  test('a shard that is down keeps no other from its sweep', async () => {
    const { viewer, site } = await makePair();
    await takeAclAway(site);
    await keptTask(site.tenant, LONG_AGO);
    const down = watchedD1(env.SHARD_0, () => {
      throw new Error('D1_ERROR: down');
    });
    const errors: unknown[] = [];
    const shards = new Map([['s1', down] as const, ...services().shards]);
    await sweepRevocations({ ...services(), shards, log: (_level, _message, facts) => errors.push(facts?.['shard']) });
    expect((await viewer.closed).code).toBe(4403);
    expect(new Set(errors)).toEqual(new Set(['s1']));
  });

  test('tasks that fail again and again stand behind those that were not tried yet', async () => {
    const { site } = await makePair();
    const [old, fresh] = [await keptTask(site.tenant, LONG_AGO), await keptTask(site.tenant, '2026-02-01T00:00:00.000Z')];
    await site.tenant.db.batch([
      statement('UPDATE revocations SET tried_at = ? WHERE tenant_id = ? AND id = ?', new Date().toISOString(), site.tenant.id, old),
    ]);
    const order = await site.tenant.db.rows<{ id: string }>(
      'SELECT id FROM revocations WHERE tenant_id = ? ORDER BY coalesce(tried_at, created_at)',
      site.tenant.id,
    );
    expect(order.map(({ id }) => id)).toEqual([fresh, old]);
    await sweepRevocations(services());
  });
});

describe('several organisations at once', () => {
  test('each loses its own connections and nobody else’s, in whatever order it is done', { timeout: 20_000 }, async () => {
    const [one, two, three] = await Promise.all([makePair(), makePair(), makePair()]);
    await Promise.all([takeAclAway(one.site), takeAclAway(three.site)]);
    const tenants = [one, two, three, two, one].map(({ site }) => site.tenant);
    await Promise.all(tenants.map((tenant) => keptTask(tenant, LONG_AGO)));
    await Promise.all([sweepRevocations(services()), sweepRevocations(services())]);
    expect([(await one.viewer.closed).code, (await three.viewer.closed).code]).toEqual([4403, 4403]);
    expect(isOpen(two.viewer)).toBe(true);
    expect(await openRows(two.site.tenant)).toEqual([{ id: two.connectionId }]);
  });
});

describe('rows that no socket stands behind', () => {
  test('end when their ticket was never used, and not before', async () => {
    const { site, running, connectionId } = await makePair();
    const unused = read(await attachTo(site.dev, running.id), attachment);
    const later = (ms: number) => ({ ...services(), now: () => new Date(Date.now() + ms) });
    await sweepRevocations(later(60_000));
    expect((await openRows(site.tenant)).map(({ id }) => id)).toEqual([connectionId, unused.connectionId].toSorted());
    await sweepRevocations(later(6 * 60_000));
    expect(await openRows(site.tenant)).toEqual([{ id: connectionId }]);
  });

  test('end when nothing looked at them for an hour after they should have lapsed', async () => {
    const { site } = await makePair();
    const lapse = (ago: number) =>
      site.tenant.db.batch([
        statement('UPDATE connections SET lapses_at = ? WHERE tenant_id = ?', new Date(Date.now() - ago).toISOString(), site.tenant.id),
      ]);
    await lapse(1_800_000);
    await sweepRevocations(services());
    expect(await openRows(site.tenant)).toHaveLength(1);
    await lapse(3_601_000);
    await sweepRevocations(services());
    expect(await openRows(site.tenant)).toEqual([]);
  });
});

describe('a hundred live sessions', () => {
  const HUNDRED = 100;
  let site: Site;
  let people: Person[];

  beforeEach(async () => {
    const pair = await makePair();
    site = pair.site;
    people = await Promise.all(Array.from({ length: HUNDRED }, () => addUser(site.tenant)));
    const { newId } = services();
    const lapses = new Date(Date.now() + 3_600_000).toISOString();
    await site.tenant.db.batch(
      people.flatMap((person) => {
        const workspaceId = newId('workspace');
        return [
          statement(
            `INSERT INTO workspaces (tenant_id, id, name, owner_id, template_id, version_id, runner_id, desired, phase, generation, created_at)
             SELECT tenant_id, ?3, ?3, ?4, template_id, version_id, runner_id, desired, phase, generation, created_at
             FROM workspaces WHERE tenant_id = ?1 AND id = ?2`,
            ...[site.tenant.id, pair.running.id, workspaceId, person.id],
          ),
          statement(
            'INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at, lapses_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
            ...[site.tenant.id, newId('connection'), workspaceId, person.id, person.sessionId, LONG_AGO, lapses],
          ),
        ];
      }),
    );
  });

  test('close side by side, at most fifty at a time, in four trips to D1', async () => {
    let trips = 0;
    let now = 0;
    let most = 0;
    const closed: string[] = [];
    const revoke = async (connectionId: string) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      closed.push(connectionId);
    };
    const WORKSPACE: typeof env.WORKSPACE = Object.assign(Object.create(env.WORKSPACE), { getByName: () => ({ revoke }) });
    const counted = compose({ ...withShard(watchedD1(env.SHARD_0, () => void trips++)), WORKSPACE }, () => {});
    await takeAclAway(site);
    const id = await keptTask(site.tenant, LONG_AGO);
    await runRevocation(counted, 's0', site.tenant.id, id);
    expect(new Set(closed).size).toBe(HUNDRED + 1);
    expect(most).toBeLessThanOrEqual(50);
    expect(most).toBeGreaterThan(10);
    expect(trips).toBe(4);
    expect(await openRows(site.tenant)).toEqual([]);
  });
});
