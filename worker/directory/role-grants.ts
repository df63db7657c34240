import { BUILT_IN_ROLE_NAMES, type CustomRole, type Permission } from '@gatehouse/core/access/permissions.ts';
import { powersOf } from '@gatehouse/core/access/power.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import { refuse, type EventFacts } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { mayGrant, NO_ROLES, rolesByUser, storedPermissions, type HeldRoles } from './roles.ts';

/** A role as rows name it: a built-in one by itself, a custom one by its id, with its own row beside. */
export interface NamedRole {
  role: string;
  name: string | null;
  permissions: string | null;
}

export function roleName({ role, name }: Pick<NamedRole, 'role' | 'name'>): string {
  const known = builtInRole.safeParse(role);
  return known.success ? BUILT_IN_ROLE_NAMES[known.data] : (name ?? role);
}

const customOf = ({ role, name, permissions }: NamedRole): CustomRole[] =>
  name === null ? [] : [{ id: role, name, permissions: storedPermissions(permissions) }];

/** What somebody holds who has these roles and no other. */
export function heldWith(roles: readonly NamedRole[]): HeldRoles {
  return rolesByUser(roles.map(({ role, name, permissions }) => ({ user_id: '', role, name, permissions }))).get('') ?? NO_ROLES;
}

/** The power over access that these roles give. */
export function powersOfRoles(roles: readonly NamedRole[]): Permission[] {
  const held = heldWith(roles);
  return powersOf(held.roles, held.customRoles);
}

/** Whether somebody with these permissions may give and take that role. */
export function grantableBy(permissions: ReadonlySet<string>, role: NamedRole): boolean {
  const known = builtInRole.safeParse(role.role);
  return known.success ? mayGrant(permissions, [known.data]) : mayGrant(permissions, [], customOf(role));
}

/** Whether the caller may give and take that role. */
export const grantable = (ctx: UserContext, role: NamedRole): boolean => grantableBy(ctx.actor.permissions, role);

/**
 * Being in a group, and not being in it any more, gives and takes the roles of the group: that needs as much as to give them.
 * @throws AppError `permission-denied`; the refusal is an event
 */
export async function requireGrantable(
  ctx: UserContext,
  facts: Pick<EventFacts, 'action' | 'resource'>,
  roles: readonly NamedRole[],
): Promise<void> {
  const beyond = roles.find((role) => !grantable(ctx, role));
  if (beyond) await refuse(ctx, facts, `The group gives the role ${roleName(beyond)}, which may more than you may.`);
}

/** @throws AppError `permission-denied`; the refusal is an event */
export async function requireOwnerForSelf(ctx: UserContext, facts: Pick<EventFacts, 'action' | 'resource'>): Promise<void> {
  if (!ctx.actor.roles.includes('owner')) await refuse(ctx, facts, 'Only owners give a role to themselves.');
}
