import { groupDetail, memberList, type Member } from '@gatehouse/core/api/groups.ts';
import { assignment, role } from '@gatehouse/core/api/roles.ts';
import { api, read, unique, type Answer, type Person, type Tenant } from './tenants.ts';

interface Named {
  id: string;
  name: string;
}

export async function makeGroup(tenant: Tenant, name = `Group ${unique()}`): Promise<Named> {
  return read(await api(tenant.owner).post('/groups', { name }), groupDetail);
}

const refOf = ({ id }: { id: string }) => ({ type: id.startsWith('grp_') ? 'group' : 'user', id });

export const putIn = (by: Pick<Person, 'cookie'>, group: { id: string }, ...members: Array<{ id: string }>): Promise<Answer> =>
  api(by).patch(`/groups/${group.id}/members`, { add: members.map(refOf) });
export const takeOut = (by: Pick<Person, 'cookie'>, group: { id: string }, ...members: Array<{ id: string }>): Promise<Answer> =>
  api(by).patch(`/groups/${group.id}/members`, { remove: members.map(refOf) });

export async function membersOf(by: Pick<Person, 'cookie'>, group: { id: string }, query = ''): Promise<Member[]> {
  return read(await api(by).get(`/groups/${group.id}/members?limit=100${query}`), memberList).items;
}

export async function makeRole(tenant: Tenant, permissions: string[], name = `Role ${unique()}`): Promise<Named> {
  return read(await api(tenant.owner).post('/roles', { name, permissions }), role);
}

export const give = (by: Pick<Person, 'cookie'>, to: { id: string }, roleId: string, expiresAt: string | null = null): Promise<Answer> =>
  api(by).post('/role-assignments', { role: roleId, subject: refOf(to), expiresAt });

/** @returns the id of the assignment */
export const given = async (answer: Promise<Answer>): Promise<string> => read(await answer, assignment).id;

export const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();

export async function setManagers(tenant: Tenant, group: { id: string }, ...managers: Array<{ id: string }>): Promise<Answer> {
  const { headers } = await api(tenant.owner).get(`/groups/${group.id}`);
  const items = managers.map(({ id }) => id);
  return api(tenant.owner).put(`/groups/${group.id}/managers`, { items }, { 'If-Match': headers.get('ETag') ?? '' });
}
