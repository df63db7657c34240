import { describe, expect, test } from 'vitest';
import { assignmentList } from '@gatehouse/core/api/roles.ts';
import { onLastOwner, ownersRemain } from '../../../worker/directory/owners.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { give, given, inHours, makeGroup, putIn, takeOut } from '../../support/groups.ts';
import { addUser, api, eventsOf, mintTenant, problem, read, type Person, type Tenant } from '../../support/tenants.ts';

const LEFT = 'The organisation would be left without an active owner';

const ownershipOf = async (tenant: Tenant, person: { id: string }): Promise<string> => {
  const { items } = read(await api(tenant.owner).get(`/role-assignments?role=owner&limit=100`), assignmentList);
  return items.find(({ subject }) => subject.id === person.id)?.id ?? 'nothing';
};
const demote = async (tenant: Tenant, person: Person, by: Person = tenant.owner) =>
  api(by).delete(`/role-assignments/${await ownershipOf(tenant, person)}`);
const setState = (tenant: Tenant, person: { id: string }, state: string) => [
  statement('UPDATE users SET state = ? WHERE tenant_id = ? AND id = ?', state, tenant.id, person.id),
];

describe('the last active owner', () => {
  test('can’t be demoted, nor given an end, and nothing is recorded as done', async () => {
    const tenant = await mintTenant();
    const refused = await demote(tenant, tenant.owner);
    expect(problem(refused)).toMatchObject({ status: 409, code: 'conflict', detail: expect.stringContaining(LEFT) });
    const id = await ownershipOf(tenant, tenant.owner);
    expect((await api(tenant.owner).patch(`/role-assignments/${id}`, { expiresAt: inHours(1) })).status).toBe(409);
    expect((await eventsOf(tenant)).filter(({ action }) => action.startsWith('role.'))).toEqual([]);
    expect(await ownershipOf(tenant, tenant.owner)).toBe(id);
  });

  test('is not counted by somebody suspended, nor by somebody whose role ends', async () => {
    const tenant = await mintTenant();
    const [suspended, passing] = [await addUser(tenant, ['owner']), await addUser(tenant)];
    await tenant.db.batch(setState(tenant, suspended, 'suspended'));
    await give(tenant.owner, passing, 'owner', inHours(8));
    expect((await demote(tenant, tenant.owner)).status).toBe(409);
    await tenant.db.batch(setState(tenant, suspended, 'active'));
    expect((await demote(tenant, tenant.owner)).status).toBe(204);
  });

  test('may be one through groups, who can’t be taken out of them, nor the groups out of each other, nor deleted', async () => {
    const tenant = await mintTenant();
    const heir = await addUser(tenant);
    const [owners, platform] = [await makeGroup(tenant, 'Owners'), await makeGroup(tenant, 'Platform')];
    await putIn(tenant.owner, platform, heir);
    await putIn(tenant.owner, owners, platform);
    const assignment = await given(give(tenant.owner, owners, 'owner'));
    expect((await demote(tenant, tenant.owner)).status).toBe(204);
    const refused = [
      await takeOut(heir, platform, heir),
      await takeOut(heir, owners, platform),
      await api(heir).delete(`/groups/${owners.id}?grants=remove`),
      await api(heir).delete(`/groups/${platform.id}?grants=remove`),
      await api(heir).delete(`/role-assignments/${assignment}`),
    ];
    for (const answer of refused) expect(problem(answer)).toMatchObject({ status: 409, detail: expect.stringContaining(LEFT) });
    expect((await putIn(heir, owners, tenant.owner)).status).toBe(200);
    expect((await takeOut(heir, owners, platform)).status).toBe(200);
  });

  test('stays when two owners demote each other at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const tenant = await mintTenant();
      const second = await addUser(tenant, ['owner']);
      const [first, other] = [await ownershipOf(tenant, tenant.owner), await ownershipOf(tenant, second)];
      const answers = await Promise.all([
        api(second).delete(`/role-assignments/${first}`),
        api(tenant.owner).delete(`/role-assignments/${other}`),
      ]);
      const statuses = answers.map(({ status }) => status).sort();
      // The slower one finds itself the last owner, or no owner any more.
      expect([
        [204, 403],
        [204, 409],
      ]).toContainEqual(statuses);
      const left = await tenant.db.rows("SELECT 1 FROM role_assignments WHERE tenant_id = ? AND role = 'owner'", tenant.id);
      expect(left).toHaveLength(1);
    }
  });

  test('stays when one owner is demoted and the other leaves the group of owners at the same time', async () => {
    const tenant = await mintTenant();
    const [group, other] = [await makeGroup(tenant), await addUser(tenant)];
    await give(tenant.owner, group, 'owner');
    await putIn(tenant.owner, group, other);
    const id = await ownershipOf(tenant, tenant.owner);
    const answers = await Promise.all([api(tenant.owner).delete(`/role-assignments/${id}`), takeOut(tenant.owner, group, other)]);
    expect(answers.map(({ status }) => status).filter((status) => status < 300)).toHaveLength(1);
  });

  test('is guarded for any change that puts the guard last', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const suspend = (who: Tenant, person: { id: string }) =>
      onLastOwner(who.db.batch([...setState(who, person, 'suspended'), ...ownersRemain(who.db)]));
    await expect(suspend(tenant, tenant.owner)).rejects.toMatchObject({ code: 'conflict' });
    expect(await tenant.db.first('SELECT state FROM users WHERE tenant_id = ? AND id = ?', tenant.id, tenant.owner.id)).toEqual({
      state: 'active',
    });
    await addUser(tenant, ['owner']);
    await suspend(tenant, tenant.owner);
    await expect(suspend(other, other.owner)).rejects.toMatchObject({ code: 'conflict' });
  });
});
