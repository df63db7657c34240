import type { Permission } from './permissions.ts';
import { effectiveTemplateRole, groupClosure, isInForce, type AclEntry, type MembershipIndex, type TemplateRole } from './template-acl.ts';

/**
 * Who may do what, from rows and a moment alone. The Worker's SQL answers the same questions where the rows are many, and
 * is tested against these.
 */

/** A tenant-wide role in somebody's hands, for good or until then. */
export interface RoleAssignment {
  role: string;
  subject: { type: 'user' | 'group'; id: string };
  expiresAt: string | null;
}

/** What decides in one organisation. A role that is not defined gives nothing. */
export interface AccessRules {
  memberships: MembershipIndex;
  assignments: readonly RoleAssignment[];
  /** by role, what it may; `member` is everybody's */
  roles: ReadonlyMap<string, ReadonlySet<Permission>>;
}

/** Somebody as the rules see them at a moment. */
export interface Holder {
  userId: string;
  /** every group that they are in, however deep */
  groups: ReadonlySet<string>;
  /** roles in force, their own and their groups' */
  roles: ReadonlySet<string>;
  permissions: ReadonlySet<Permission>;
}

/** Whether somebody may: tenant-wide, whatever it is done to. */
export const can = ({ permissions }: { permissions: ReadonlySet<string> }, permission: Permission): boolean => permissions.has(permission);

/** The person's groups, roles and permissions at that moment. */
export function holderOf(userId: string, rules: AccessRules, now: string): Holder {
  const groups = groupClosure(userId, rules.memberships);
  const roles = rolesInForce({ userId, groups }, rules.assignments, now);
  return { userId, groups, roles, permissions: permissionsFrom(roles, rules.roles) };
}

/** The roles that were given to the person or to a group of theirs, and did not end; `member` always. */
export function rolesInForce(
  who: { userId: string; groups: ReadonlySet<string> },
  assignments: readonly RoleAssignment[],
  now: string,
): Set<string> {
  const roles = new Set(['member']);
  for (const { role, subject, expiresAt } of assignments) {
    const theirs = subject.type === 'user' ? subject.id === who.userId : who.groups.has(subject.id);
    if (theirs && isInForce(expiresAt, now)) roles.add(role);
  }
  return roles;
}

export function permissionsFrom(roles: Iterable<string>, definitions: AccessRules['roles']): Set<Permission> {
  const permissions = new Set<Permission>();
  for (const role of roles) for (const permission of definitions.get(role) ?? []) permissions.add(permission);
  return permissions;
}

/** What a token may: its scopes, as far as its owner may it at that moment. A scope gives nobody anything. */
export function effectivePermissions(owner: ReadonlySet<Permission>, scopes: readonly Permission[]): Set<Permission> {
  return new Set(scopes.filter((scope) => owner.has(scope)));
}

/** The role on a template with those entries; whoever may administer all templates has `admin`. */
export function templateRoleOf(holder: Holder, entries: readonly AclEntry[], now: string): TemplateRole | null {
  return effectiveTemplateRole(entries, { ...holder, adminOfAll: can(holder, 'template:admin') }, now);
}
