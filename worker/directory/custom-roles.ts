import type { z } from 'zod';
import { BUILT_IN_ROLE_NAMES, BUILT_IN_ROLES, PERMISSIONS, type BuiltInRole, type Permission } from '@gatehouse/core/access/permissions.ts';
import { givenDetails, powersAmong } from '@gatehouse/core/access/power.ts';
import { quotaWords } from '@gatehouse/core/api/directory.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import type { Role, roleCreate, roleList, roleUpdate } from '@gatehouse/core/api/roles.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, refuse, require, type EventFacts } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import * as store from './custom-roles.store.ts';
import { storedPermissions } from './roles.ts';

const tracked = { name: 'tracked', description: 'tracked', permissions: 'tracked' } as const;
const MEANING: Record<BuiltInRole, string> = {
  owner: 'May do everything',
  'user-admin': 'People, groups and invitations',
  'template-admin': 'Templates, runners, everybody’s workspaces',
  auditor: 'Reads the audit log and the configuration, changes nothing',
  member: 'Everybody’s, without being given it',
};
const resourceOf = (role: { id: string; name: string }) => ({ type: 'role' as const, id: role.id, name: role.name });

/** The built-in roles, then the organisation's own by name. */
export async function listRoles(ctx: UserContext, q: string): Promise<z.infer<typeof roleList>> {
  await require(ctx, 'role:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /roles' } });
  const now = ctx.now().toISOString();
  const [custom, holders] = await ctx.db.batch([store.customRolesQuery(ctx.db, now, q), store.builtInHolders(ctx.db, now)]);
  const held = store.holdersFrom(holders?.rows);
  const builtIn = builtInRole.options
    .map((name) => presentBuiltIn(name, held.get(name) ?? 0))
    .filter((role) => `${role.name} ${role.description}`.toLowerCase().includes(q.toLowerCase()));
  return { items: [...builtIn, ...store.customRolesFrom(custom?.rows).map(present)] };
}

const presentBuiltIn = (id: BuiltInRole, holders: number): Role => ({
  ...{ id, name: BUILT_IN_ROLE_NAMES[id], description: MEANING[id], builtIn: true, permissions: [...BUILT_IN_ROLES[id]], holders },
  createdAt: null,
});
const present = (row: store.CustomRoleRow): Role => ({
  ...{ id: row.id, name: row.name, description: row.description, builtIn: false },
  ...{ permissions: [...storedPermissions(row.permissions)], holders: row.holders, createdAt: row.created_at },
});

/** @returns revision 0 for a built-in role, which nothing changes */
export async function readRole(ctx: UserContext, id: string): Promise<{ role: Role; revision: number }> {
  await require(ctx, 'role:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /roles/{id}' } });
  const now = ctx.now().toISOString();
  const named = builtInRole.safeParse(id);
  if (named.success) {
    const [holders] = await ctx.db.batch([store.builtInHolders(ctx.db, now)]);
    return { role: presentBuiltIn(named.data, store.holdersFrom(holders?.rows).get(id) ?? 0), revision: 0 };
  }
  const row = await store.findCustomRole(ctx.db, id, now);
  if (!row) throw noRole();
  return { role: present(row), revision: row.revision };
}

const noRole = () => new AppError('not-found', 'There is no such role');

/** A role holds only what its author holds. @throws AppError `permission-denied`, `quota-exceeded`, `conflict` naming `name` */
export async function createRole(ctx: UserContext, input: z.infer<typeof roleCreate>): Promise<{ role: Role; revision: number }> {
  const facts = { action: 'role.create', resource: { type: 'role', id: null, name: input.name } } as const;
  await require(ctx, 'role:update', facts);
  await requireHeld(ctx, facts, input.permissions);
  const id = ctx.newId('role');
  const createdAt = ctx.now().toISOString();
  const guard = store.insertRole(ctx.db, { id, ...input, createdAt, createdBy: ctx.actor.id });
  const event = eventOf(ctx, { ...facts, resource: { ...facts.resource, id }, status: 201, diff: diff(tracked, null, input) });
  const made = onGuard(
    commit(ctx, { guard, events: [event] }),
    () => new AppError('quota-exceeded', `An organisation has ${quotaWords('roles')} of its own`),
  );
  await onUnique(made, 'roles.tenant_id, roles.name', () => taken(input.name));
  return {
    role: { id, ...input, builtIn: false, holders: 0, createdAt },
    revision: 1,
  };
}

const taken = (name: string) =>
  new AppError('conflict', `There is a role ${name} already.`, { errors: [{ path: 'name', message: 'is taken' }] });

async function requireHeld(ctx: UserContext, facts: Pick<EventFacts, 'action' | 'resource'>, added: readonly Permission[]): Promise<void> {
  const beyond = added.find((permission) => !ctx.actor.permissions.has(permission));
  if (beyond === undefined) return;
  await refuse(ctx, facts, `A role holds only what its author may do, and you may not: ${PERMISSIONS[beyond].toLowerCase()} (${beyond})`);
}

/** What is added must be held by who adds it; what is there may stay. @throws AppError `stale-version`, `permission-denied`, `conflict` */
export async function changeRole(
  ctx: UserContext,
  id: string,
  revision: number,
  input: z.infer<typeof roleUpdate>,
): Promise<{ role: Role; revision: number }> {
  const before = await roleToChange(ctx, id, 'role.update');
  const old = { name: before.name, description: before.description, permissions: storedPermissions(before.permissions) };
  const after = { ...old, ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) } as typeof old;
  const facts = { action: 'role.update', resource: resourceOf(before) } as const;
  const added = after.permissions.filter((permission) => !old.permissions.includes(permission));
  await requireHeld(ctx, facts, added);
  const self = added.length > 0 && ctx.actor.customRoles.some((role) => role.id === id);
  const details = givenDetails({ power: powersAmong(added), self });
  const event = eventOf(ctx, { ...facts, status: 200, diff: diff(tracked, old, after), details });
  const less = old.permissions.some((permission) => !after.permissions.includes(permission));
  const changed = commit(ctx, {
    ...{ guard: store.updateRole(ctx.db, id, revision, after), events: [event] },
    ...(less ? { lessens: { users: 'everybody' as const, cause: `Role ${before.name} may less now` } } : {}),
  });
  const stale = () => new AppError('stale-version', 'Somebody changed the role in the meantime. Load it again and repeat your change.');
  await onUnique(onGuard(changed, stale), 'roles.tenant_id, roles.name', () => taken(after.name));
  return {
    role: {
      ...{ id, ...after, permissions: [...after.permissions], builtIn: false, holders: before.holders },
      createdAt: before.created_at,
    },
    revision: revision + 1,
  };
}

async function roleToChange(ctx: UserContext, id: string, action: 'role.update' | 'role.delete'): Promise<store.CustomRoleRow> {
  const named = builtInRole.safeParse(id);
  const row = named.success ? undefined : await store.findCustomRole(ctx.db, id, ctx.now().toISOString());
  await require(ctx, 'role:update', { action, resource: resourceOf({ id, name: row?.name ?? 'a role' }) });
  if (named.success) throw new AppError('conflict', 'Built-in roles are the same everywhere and can’t be changed. Make one of your own.');
  if (!row) throw noRole();
  return row;
}

/** @throws AppError `conflict` while somebody has it */
export async function deleteRole(ctx: UserContext, id: string): Promise<void> {
  const role = await roleToChange(ctx, id, 'role.delete');
  const before = { name: role.name, description: role.description, permissions: storedPermissions(role.permissions) };
  const event = eventOf(ctx, { action: 'role.delete', resource: resourceOf(role), status: 204, diff: diff(tracked, before, null) });
  const guard = store.deleteRole(ctx.db, id, ctx.now().toISOString());
  await onGuard(
    commit(ctx, { guard, changes: [store.forgetRole(ctx.db, id)], events: [event] }),
    () => new AppError('conflict', `Role ${role.name} is still given to somebody. Take it from them first.`),
  );
}
