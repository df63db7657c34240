import { describe, expect, test } from 'vitest';
import { allowanceOf, type QuotaEntry } from '@gatehouse/core/access/quotas.ts';
import { ownQuota, quotaPreview, quotaShown, userQuota } from '@gatehouse/core/api/quotas.ts';
import { workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { limitSql, standingFrom, standingOf } from '../../../worker/workspaces/quotas.store.ts';
import { Chance } from '../../support/chance.ts';
import { makeGroup, putIn } from '../../support/groups.ts';
import { makeSite, type Site } from '../../support/site.ts';
import { addUser, api, eventsOf, mintTenant, problem, read, type Person } from '../../support/tenants.ts';

type Values = { workspaces: number | null; running: number | null };
const none: Values = { workspaces: null, running: null };

async function set(by: Pick<Person, 'cookie'>, path: string, values: Partial<Values>) {
  const { headers } = await api(by).get(path);
  return api(by).put(path, { ...none, ...values }, { 'If-Match': headers.get('ETag') ?? '' });
}
const create = (site: Site, name: string) => api(site.dev).post('/workspaces', { templateId: site.templateId, name });
const says = async (site: Site, id: string, phase: 'stopped' | 'failed', generation: number, report: number) => {
  site.tell({ kind: 'report', report, time: new Date().toISOString(), body: { workspaceId: id, generation, phase } });
  await site.control.until((message) => message.kind === 'stored' && message.report === report);
};

describe('who may have one workspace more', () => {
  test('the organisation’s number counts where nothing else is said, and the refusal says why and whom to ask', async () => {
    const site = await makeSite();
    expect((await set(site.tenant.owner, '/tenant/quota', { workspaces: 1 })).status).toBe(200);
    expect((await create(site, 'one')).status).toBe(201);
    const refused = await create(site, 'two');
    expect(refused.status).toBe(403);
    expect(problem(refused)).toMatchObject({
      code: 'quota-exceeded',
      detail: `You have 1 of 1 workspaces. ${site.tenant.name} gives everybody 1 workspace. Delete one first, or ask for more: ${site.tenant.owner.name}.`,
    });
  });

  test('a group gives more than the organisation, the most generous of several counts, also through another group', async () => {
    const site = await makeSite();
    const [few, many, above] = [await makeGroup(site.tenant), await makeGroup(site.tenant), await makeGroup(site.tenant)];
    await set(site.tenant.owner, '/tenant/quota', { workspaces: 1 });
    await set(site.tenant.owner, `/groups/${few.id}/quota`, { workspaces: 2 });
    await set(site.tenant.owner, `/groups/${above.id}/quota`, { workspaces: 3 });
    await putIn(site.tenant.owner, few, site.dev);
    await putIn(site.tenant.owner, many, site.dev);
    await putIn(site.tenant.owner, above, many);
    const own = read(await api(site.dev).get('/me/quota'), ownQuota);
    expect(own.workspaces).toMatchObject({ limit: 3, used: 0, why: `Group ${above.name} gives you 3 workspaces` });
    expect(own.running).toMatchObject({ limit: null, why: 'No limit is set' });
    for (const name of ['one', 'two', 'three']) expect((await create(site, name)).status).toBe(201);
    expect(problem(await create(site, 'four')).detail).toContain(`Group ${above.name} gives you 3 workspaces`);
  });

  test('a person’s own number wins, also when it is the smaller one', async () => {
    const site = await makeSite();
    await set(site.tenant.owner, '/tenant/quota', { workspaces: 5, running: 5 });
    await set(site.tenant.owner, `/users/${site.dev.id}/quota`, { workspaces: 0 });
    expect(problem(await create(site, 'one')).detail).toContain('An administrator gave you 0 workspaces');
    const shown = read(await api(site.tenant.owner).get(`/users/${site.dev.id}/quota`), userQuota);
    expect(shown).toMatchObject({ values: { workspaces: 0, running: null }, inForce: { running: { limit: 5, from: { type: 'tenant' } } } });
  });

  test('a membership that has ended gives nothing', async () => {
    const site = await makeSite();
    const group = await makeGroup(site.tenant);
    await set(site.tenant.owner, '/tenant/quota', { workspaces: 0 });
    await set(site.tenant.owner, `/groups/${group.id}/quota`, { workspaces: 3 });
    await putIn(site.tenant.owner, group, site.dev);
    await site.tenant.db.batch([
      statement(
        "UPDATE group_members SET expires_at = '2020-01-01T00:00:00.000Z' WHERE tenant_id = ? AND group_id = ?",
        site.tenant.id,
        group.id,
      ),
    ]);
    expect((await create(site, 'one')).status).toBe(403);
  });

  test('however many ask at the same time, no more are made than may be', async () => {
    const site = await makeSite();
    await set(site.tenant.owner, '/tenant/quota', { workspaces: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => create(site, `box-${at}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 403, 403, 403, 403, 403]);
  });
});

describe('how many may run at once', () => {
  test('counts what is to run; stopped and failed ones make room', async () => {
    const site = await makeSite();
    await set(site.tenant.owner, '/tenant/quota', { running: 1 });
    const one = read(await create(site, 'one'), workspaceSchema);
    expect(problem(await create(site, 'two')).detail).toContain('You run 1 of 1 workspaces');
    await api(site.dev).post(`/workspaces/${one.id}/stop`);
    const two = read(await create(site, 'two'), workspaceSchema);
    await says(site, one.id, 'stopped', 2, 1);
    const refused = await api(site.dev).post(`/workspaces/${one.id}/start`);
    expect(refused.status).toBe(403);
    expect(problem(refused).code).toBe('quota-exceeded');
    await says(site, two.id, 'failed', 1, 2);
    expect((await api(site.dev).post(`/workspaces/${one.id}/start`)).status).toBe(202);
  });

  test('a smaller number stops nothing, and the preview names who has more', async () => {
    const site = await makeSite();
    const made = read(await create(site, 'one'), workspaceSchema);
    const asked = { subject: { type: 'tenant' }, values: { workspaces: null, running: 0 } };
    const seen = read(await api(site.tenant.owner).post('/quotas/preview', asked), quotaPreview);
    expect(seen).toEqual({
      over: [{ user: { id: site.dev.id, name: site.dev.name }, field: 'running', used: 1, limit: 0 }],
      truncated: false,
    });
    await set(site.tenant.owner, '/tenant/quota', { running: 0 });
    expect(read(await api(site.dev).get(`/workspaces/${made.id}`), workspaceSchema)).toMatchObject({ desired: 'running' });
  });
});

describe('a change of a quota', () => {
  test('is committed with its event and what changed; over what one had not seen it is refused', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    await set(tenant.owner, `/users/${person.id}/quota`, { workspaces: 4 });
    const event = (await eventsOf(tenant)).find(({ action }) => action === 'user.quota');
    expect(event).toMatchObject({
      resource: { type: 'user', id: person.id, name: person.name },
      diff: [{ path: 'workspaces', old: null, new: 4, secret: false }],
    });
    const stale = await api(tenant.owner).put(`/users/${person.id}/quota`, { ...none, workspaces: 9 }, { 'If-Match': '"0"' });
    expect(stale.status).toBe(412);
    expect(read(await api(tenant.owner).get(`/users/${person.id}/quota`), quotaShown).values).toEqual({ workspaces: 4, running: null });
  });

  test('names the field that is wrong', async () => {
    const tenant = await mintTenant();
    const answer = await set(tenant.owner, '/tenant/quota', { running: -1 });
    expect(problem(answer)).toMatchObject({ code: 'invalid', errors: [{ path: 'running', message: 'must not be below 0' }] });
  });
});

test('SQL and the pure function agree on who may have how many, whatever is set', async () => {
  const seed = Date.now() % 1_000_000;
  const chance = new Chance(seed);
  const tenant = await mintTenant();
  const person = await addUser(tenant);
  const groups = await Promise.all(Array.from({ length: 4 }, () => makeGroup(tenant)));
  const now = new Date().toISOString();
  const number = () => (chance.oneIn(3) ? null : chance.between(0, 5));
  for (let round = 0; round < 25; round += 1) {
    const levels: Array<QuotaEntry['subject']> = [
      { type: 'tenant', id: '', name: tenant.name },
      { type: 'user', id: person.id, name: person.name },
      ...groups.map(({ id, name }) => ({ type: 'group' as const, id, name })),
    ];
    const members = groups.flatMap(({ id }, at) => [
      ...(chance.oneIn(2) ? [['user', person.id, id] as const] : []),
      ...(at > 0 && chance.oneIn(2) ? [['group', chance.pick(groups.slice(0, at)).id, id] as const] : []),
    ]);
    await tenant.db.batch([
      statement('DELETE FROM workspace_quotas WHERE tenant_id = ?', tenant.id),
      statement('DELETE FROM group_members WHERE tenant_id = ?', tenant.id),
      ...levels
        .filter(() => !chance.oneIn(3))
        .map(({ type, id }) =>
          statement(
            "INSERT INTO workspace_quotas (tenant_id, subject_type, subject_id, workspaces, running, revision, updated_at, updated_by) VALUES (?, ?, ?, ?, ?, 1, '', '')",
            ...[tenant.id, type, id, number(), number()],
          ),
        ),
      ...members.map(([type, id, group]) =>
        statement(
          'INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, ?, ?)',
          ...[tenant.id, group, type, id],
        ),
      ),
    ]);
    const [entries, used] = await tenant.db.batch(standingOf(tenant.db, person.id, now));
    const standing = standingFrom(entries, used);
    for (const field of ['workspaces', 'running'] as const) {
      const found = await tenant.db.first<{ most: number | null }>(
        `SELECT ${limitSql(field, '?2', '?3')} AS most FROM tenants WHERE tenant_id = ?1`,
        ...[tenant.id, person.id, now],
      );
      expect(found?.most ?? null, `seed ${seed}, round ${round}`).toBe(allowanceOf(field, standing.entries).limit);
    }
  }
});
