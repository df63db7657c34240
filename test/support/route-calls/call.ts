import { env } from 'cloudflare:workers';
import { accessRequest } from '@gatehouse/core/api/access.ts';
import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import type { AuditAction, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { TenantDb } from '../../../worker/platform/tenant-db.ts';
import { makeTemplate, writeAcl } from '../access.ts';
import { give, given, makeGroup, makeRole } from '../groups.ts';
import { addSession, addUser, api, mintTenant, ORIGIN, read, unique } from '../tenants.ts';
import type { Answer, Person, Tenant } from '../tenants.ts';

/** Asks as that person, or as nobody: `ask(owner, 'POST /groups', { name })`. */
export type Ask = (by: Pick<Person, 'cookie'> | null, route: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

/** What a call made, as its event must say it. */
export interface Made {
  answer: Answer;
  /** id of the resource */
  on: string | null;
  /** whose log it stands in; left out: that of the tenant which was given */
  db?: TenantDb;
  by: Pick<DraftEvent['actor'], 'type' | 'id'>;
  sessionId: string | null;
}

export interface RouteCall {
  /** what the call leaves in the log; a text says why a change leaves nothing */
  leaves: readonly AuditAction[] | string;
  /** paths of the fields whose change the event shows; left out: it changes no field */
  diff?: readonly string[];
  call(tenant: Tenant, ask: Ask): Promise<Made>;
}

/** A new session of the tenant's owner: some routes end the one that calls them. */
export const owner = async (tenant: Tenant) => ({ ...tenant.owner, ...(await addSession(tenant, tenant.owner.id)) });
export const own = (person: Person, answer: Answer, on: string | null): Made => ({
  ...{ answer, on, by: { type: 'user', id: person.id }, sessionId: person.sessionId },
});
export const idOf = ({ body }: Answer): string => String((body as { id?: unknown }).id);
export const NEW_PASSWORD = 'violet lantern quartz 417';
export const ANYBODY = { type: 'anonymous', id: null } as const;
export const ifMatch = (revision: number) => ({ 'If-Match': `"${revision}"` });
export const OPERATOR = { Authorization: `Bearer ${env.OPERATOR_TOKEN}`, Origin: ORIGIN };
export const newToken = { name: 'ci', scopes: ['audit:read'] };

/** The owner, on something that `make` made: `owns('POST /users/:id/suspend', makeUser)`. */
export const owns =
  (route: string, make: (tenant: Tenant) => Promise<string>, body?: unknown, headers?: Record<string, string>) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const id = await make(tenant);
    const by = await owner(tenant);
    return own(by, await ask(by, route.replace(':id', id), body, headers), id);
  };
/** The owner makes something, and the answer names it. */
export const makes =
  (route: string, body: (tenant: Tenant) => unknown) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const by = await owner(tenant);
    const answer = await ask(by, route, await body(tenant));
    return own(by, answer, idOf(answer));
  };
/** Somebody for themselves. */
export const self =
  (work: (person: Person, tenant: Tenant, ask: Ask) => Promise<Answer | { answer: Answer; on: string }>) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const person = await addUser(tenant);
    const done = await work(person, tenant, ask);
    return 'on' in done ? own(person, done.answer, done.on) : own(person, done, person.id);
  };

export const makeUser = async (tenant: Tenant) => (await addUser(tenant)).id;
export const makeSuspended = async (tenant: Tenant) => {
  const id = await makeUser(tenant);
  await api(tenant.owner).post(`/users/${id}/suspend`);
  return id;
};
export const makeDeleted = async (tenant: Tenant) => {
  const id = await makeUser(tenant);
  await api(tenant.owner).delete(`/users/${id}`);
  return id;
};
export const makeAccount = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/service-accounts', { name: `robot ${unique()}`, roles: ['auditor'] }), serviceAccount).id;
export const makeSuspendedAccount = async (tenant: Tenant) => {
  const id = await makeAccount(tenant);
  await api(tenant.owner).post(`/service-accounts/${id}/suspend`);
  return id;
};
export const makeInvitation = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` }), invitationCreated).id;
export const groupId = async (tenant: Tenant) => (await makeGroup(tenant)).id;
export const roleId = async (tenant: Tenant) => (await makeRole(tenant, ['audit:read'])).id;
export const makeRequest = async (tenant: Tenant, asker: Pick<Person, 'cookie'>) => {
  const templateId = await makeTemplate(tenant);
  await writeAcl(tenant, templateId, [{ subject: { type: 'everyone' }, role: 'view', expiresAt: null }]);
  return read(await api(asker).post('/access-requests', { templateId, hours: 8, reason: 'On call' }), accessRequest).id;
};
export const askedFor = async (tenant: Tenant) => makeRequest(tenant, await addUser(tenant));
/** An assignment of `auditor`, and whose. */
export const assigned = async (tenant: Tenant) => given(give(tenant.owner, await addUser(tenant), 'auditor'));
export const onRole =
  (route: string, body?: unknown) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => ({ ...(await owns(route, assigned, body)(tenant, ask)), on: 'auditor' });

export const NOTHING_YET = 'a challenge, which counts for nothing until it is answered';

export function asNobody(route: string) {
  return async (_tenant: Tenant, ask: Ask): Promise<Made> => ({ answer: await ask(null, route), on: null, by: ANYBODY, sessionId: null });
}

/** Somebody came in: the session is the one that begins. */
export function entered(answer: Answer, userId: string): Made {
  return { answer, on: userId, by: { type: 'user', id: userId }, sessionId: read(answer, me).session.id };
}

export function operates(act: 'suspend' | 'activate', body?: unknown) {
  return async (_tenant: Tenant, ask: Ask): Promise<Made> => {
    const theirs = await mintTenant();
    if (act === 'activate') await ask(null, `POST /operator/tenants/${theirs.id}/suspend`, { reason: 'Unpaid' }, OPERATOR);
    const answer = await ask(null, `POST /operator/tenants/${theirs.id}/${act}`, body, OPERATOR);
    return { answer, on: theirs.id, db: theirs.db, by: { type: 'operator', id: null }, sessionId: null };
  };
}
