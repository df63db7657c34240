import type { z } from 'zod';
import { covers, type CustomRole } from '@gatehouse/core/access/permissions.ts';
import { givenDetails, powersOf } from '@gatehouse/core/access/power.ts';
import {
  SERVICE_ACCOUNTS_LIMIT,
  type ServiceAccount,
  type serviceAccountCreate,
  type serviceAccountList,
  type serviceAccountQuery,
  type serviceAccountUpdate,
} from '@gatehouse/core/api/service-accounts.ts';
import type { tokenCreate, TokenCreated } from '@gatehouse/core/api/tokens.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { requireOwnerForSelf } from '../directory/role-grants.ts';
import { inOrder, mayGrant, rolesByUser, rolesOf } from '../directory/roles.ts';
import { commit, eventOf, onGuard, onUnique, refuse, require, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import { keysetPage, pageOf } from '../platform/route.ts';
import type { Statement } from '../platform/tenant-db.ts';
import * as store from './service-accounts.store.ts';
import { withoutWorkspaces } from './token-auth.ts';
import { makeToken, refuseBeyond } from './tokens.ts';

const rules: FieldRules<{ name: string; description: string; responsible: string; roles: string[] }> = {
  ...{ name: 'tracked', description: 'tracked', responsible: 'tracked', roles: 'tracked' },
};
const policy = (name: string) => ({ action: 'request.denied', resource: { type: 'policy', id: null, name } }) as const;
const resourceOf = ({ id, name }: { id: string; name: string }) => ({ type: 'service-account' as const, id, name });
/** An account with what its own roles hold, which is for use cases alone. */
type KnownAccount = Omit<ServiceAccount, 'customRoles'> & { customRoles: CustomRole[] };
const shown = (account: KnownAccount): ServiceAccount => ({
  ...account,
  customRoles: account.customRoles.map(({ id, name }) => ({ id, name })),
});
const gone = () => new AppError('not-found', 'There is no such service account');
const inactive = () =>
  new AppError('invalid', 'Some of the input is wrong', { errors: [{ path: 'responsibleId', message: 'is nobody who is active here' }] });

/** By name. */
export async function listServiceAccounts(
  ctx: UserContext,
  query: z.infer<typeof serviceAccountQuery>,
): Promise<z.infer<typeof serviceAccountList>> {
  await require(ctx, 'service-account:read', policy('GET /service-accounts'));
  const page = { ...keysetPage(query), q: query.q ?? null, state: query.state ?? null };
  const accounts = await accountsOf(ctx, store.pageOfAccounts(ctx.db.tenantId, page));
  return pageOf(accounts, page.limit, shown, ({ name }) => [name]);
}

/** @throws AppError `not-found` */
export async function readServiceAccount(ctx: UserContext, id: string): Promise<ServiceAccount> {
  await require(ctx, 'service-account:read', policy('GET /service-accounts/{id}'));
  return shown(await accountFor(ctx, id));
}

async function accountFor(ctx: UserContext, id: string): Promise<KnownAccount> {
  const [account] = await accountsOf(ctx, store.accountWithId(ctx.db.tenantId, id));
  if (!account) throw gone();
  return account;
}

async function accountsOf(ctx: UserContext, which: Statement): Promise<KnownAccount[]> {
  const now = ctx.now().toISOString();
  const [found, given] = await ctx.db.batch([store.accountsAmong(ctx.db.tenantId, which, now), rolesOf(ctx.db.tenantId, which, now)]);
  const roles = rolesByUser(given?.rows ?? []);
  return store.parseAccounts(found).map((row) => ({
    ...{ id: row.id, name: row.name, description: row.description, state: row.state, tokens: row.tokens },
    roles: (roles.get(row.id)?.roles ?? []).filter((role) => role !== 'member'),
    customRoles: roles.get(row.id)?.customRoles ?? [],
    responsible: { id: row.responsible_id, name: row.responsible_name, state: row.responsible_state },
    ...{ createdAt: row.created_at, lastUsedAt: row.last_used_at },
  }));
}

/** @throws AppError `permission-denied` for roles that may more than the caller, `invalid` naming `responsibleId`, `conflict` naming `name` */
export async function createServiceAccount(ctx: UserContext, input: z.infer<typeof serviceAccountCreate>): Promise<ServiceAccount> {
  const id = ctx.newId('serviceAccount');
  const facts = { action: 'service_account.create', resource: { ...resourceOf({ id, name: input.name }), id: null } } as const;
  await require(ctx, 'service-account:manage', facts);
  const roles = inOrder(input.roles);
  if (!mayGrant(ctx.actor.permissions, roles)) await refuse(ctx, facts, 'Nobody can give a role that may more than they may themselves');
  // A robot that makes another has no person to answer for it but the one that is named.
  const responsibleId = input.responsibleId ?? (ctx.actor.type === 'user' ? ctx.actor.id : null);
  if (responsibleId === null) throw inactive();
  const account = { id, name: input.name, description: input.description, responsibleId };
  const made = { by: ctx.actor.id, at: ctx.now().toISOString() };
  const after = { name: input.name, description: input.description, responsible: responsibleId, roles };
  const details = givenDetails({ power: powersOf(roles), self: false });
  const event = eventOf(ctx, { ...facts, resource: resourceOf(account), status: 201, diff: diff(rules, null, after), details });
  const work = commit(ctx, {
    guard: store.insertAccount(ctx.db, account, made),
    changes: store.giveRoles(ctx.db, id, assignments(ctx, roles), made),
    events: [event],
  });
  await namedOnce(onGuard(work, inactiveOrFull));
  return shown(await accountFor(ctx, id));
}

const inactiveOrFull = () =>
  new AppError('invalid', 'Some of the input is wrong', {
    errors: [
      { path: 'responsibleId', message: `is nobody who is active here, or there are ${SERVICE_ACCOUNTS_LIMIT} service accounts already` },
    ],
  });

const assignments = (ctx: UserContext, roles: readonly string[]) => roles.map((role) => ({ id: ctx.newId('roleAssignment'), role }));

const namedOnce = <T>(work: Promise<T>): Promise<T> =>
  onUnique(
    work,
    'service_accounts.tenant_id, service_accounts.name',
    () => new AppError('conflict', 'There is a service account of that name already', { errors: [{ path: 'name', message: 'is taken' }] }),
  );

/** The account, when the caller manages those and may as much as it may. */
async function manageable(ctx: UserContext, id: string, action: AuditAction): Promise<KnownAccount> {
  await require(ctx, 'service-account:manage', { action, resource: resourceOf({ id, name: 'a service account' }) });
  const account = await accountFor(ctx, id);
  if (!covers(ctx.actor.standing, account.roles, account.customRoles))
    return refuse(ctx, { action, resource: resourceOf(account) }, 'This service account may more than you');
  return account;
}

/** @throws AppError `conflict` when somebody changed it in the meantime */
export async function changeServiceAccount(
  ctx: UserContext,
  id: string,
  input: z.infer<typeof serviceAccountUpdate>,
): Promise<ServiceAccount> {
  const account = await manageable(ctx, id, 'service_account.update');
  const facts = { action: 'service_account.update', resource: resourceOf(account) } as const;
  const before = { name: account.name, description: account.description, responsible: account.responsible.id, roles: account.roles };
  const { responsibleId: responsible = before.responsible, name = before.name, description = before.description } = input;
  const roles = input.roles ? inOrder(input.roles) : before.roles;
  if (!mayGrant(ctx.actor.permissions, roles)) await refuse(ctx, facts, 'Nobody can give a role that may more than they may themselves');
  const had = new Set<string>(before.roles);
  const added = roles.filter((role) => !had.has(role));
  const self = added.length > 0 && id === ctx.actor.id;
  if (self) await requireOwnerForSelf(ctx, facts);
  const changed = diff(rules, before, { name, description, responsible, roles });
  if (changed.length === 0) return shown(account);
  const was = { id, name: before.name, description: before.description, responsibleId: before.responsible };
  const guard = store.updateAccount(ctx.db, was, { name, description, responsibleId: responsible });
  const given = { by: ctx.actor.id, at: ctx.now().toISOString() };
  const changes = input.roles ? store.giveRoles(ctx.db, id, assignments(ctx, roles), given) : [];
  const event = eventOf(ctx, { ...facts, status: 200, diff: changed, details: givenDetails({ power: powersOf(added), self }) });
  const refused = () =>
    responsible === before.responsible ? new AppError('conflict', 'Somebody else changed it in the meantime. Look again.') : inactive();
  await namedOnce(onGuard(commit(ctx, { guard, changes, events: [event] }), refused));
  return shown(await accountFor(ctx, id));
}

/** Its tokens are refused from now on, and work again when it is reactivated. */
export const suspendServiceAccount = (ctx: UserContext, id: string) => changeState(ctx, id, 'suspended', 'service_account.suspend');
export const activateServiceAccount = (ctx: UserContext, id: string) => changeState(ctx, id, 'active', 'service_account.activate');
/** For good: its tokens are revoked, its roles go. */
export const deleteServiceAccount = (ctx: UserContext, id: string) => changeState(ctx, id, 'deleted', 'service_account.delete');

async function changeState(ctx: UserContext, id: string, state: 'active' | 'suspended' | 'deleted', action: AuditAction): Promise<void> {
  const account = await manageable(ctx, id, action);
  const { db } = ctx;
  const at = ctx.now().toISOString();
  const changes = state === 'deleted' ? [store.revokeTokensOf(db, id, at), store.takeRoles(db, id)] : [];
  const event = eventOf(ctx, { action, resource: resourceOf(account), status: 204 });
  await onGuard(
    commit(ctx, { guard: store.changeAccountState(db, id, state), changes, events: [event] }),
    () => new AppError('conflict', `The service account is ${state} already`),
  );
}

/** A token for a service account: what it may do, the account must be able to, and so must whoever makes it. */
export async function createAccountToken(ctx: UserContext, id: string, input: z.infer<typeof tokenCreate>): Promise<TokenCreated> {
  const facts = { action: 'token.create', resource: { type: 'token', id: null, name: input.name } } as const;
  await requireSession(ctx, facts);
  const account = await manageable(ctx, id, 'token.create');
  await requireFresh(ctx, facts);
  refuseBeyond(input.scopes, withoutWorkspaces(account), 'is more than its roles may do');
  return makeToken(ctx, { type: 'service-account', id, name: account.name }, input);
}
