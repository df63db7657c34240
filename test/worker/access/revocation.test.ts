import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { runRevocation } from '../../../worker/access/revocation.ts';
import { sweepRevocations } from '../../../worker/access/sweep.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { isOpen, keptTask, openRows, takeAclAway, tasksOf } from '../../support/revocations.ts';
import { openSocket } from '../../support/runners.ts';
import { attachTo, join, makePair, type Site } from '../../support/site.ts';
import { addUser, api, eventsOf, ORIGIN, read, services, type Tenant } from '../../support/tenants.ts';

// Each test makes a whole organisation with sockets, and waits for what happens between them.
vi.setConfig({ testTimeout: 20_000 });

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
      ...{
        user: { id, name, email },
        access: 'own',
        grantId: null,
        keyThumbprint: 'x',
        endsAt: null,
        idleMinutes: null,
        presenceUntil: null,
        lapsesAt: null,
      },
    });
    const socket = response.webSocket;
    const closed = new Promise((resolve) => socket?.addEventListener('close', ({ code, reason }) => resolve({ code, reason })));
    socket?.accept();
    expect(await closed).toEqual({ code: 4403, reason: 'You left the group' });
  });
});
