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

/** The roles that each user and each group was given. */
export interface AssignmentIndex {
  toUser: ReadonlyMap<string, readonly RoleAssignment[]>;
  toGroup: ReadonlyMap<string, readonly RoleAssignment[]>;
}

/** What decides in one organisation. A role that is not defined gives nothing. */
export interface AccessRules {
  memberships: MembershipIndex;
  assignments: AssignmentIndex;
  /** by role, what it may; `member` is everybody's */
  roles: ReadonlyMap<string, ReadonlySet<Permission>>;
}

/** Permissions, as far as one has to ask for each: a set of them, or what can be made out when it is asked. */
export interface Permissions {
  has(permission: Permission): boolean;
}

/** Somebody as the rules see them at a moment. */
export interface Holder {
  userId: string;
  /** every group that they are in, however deep */
  groups: ReadonlySet<string>;
  /** roles in force, their own and their groups' */
  roles: ReadonlySet<string>;
  permissions: Permissions;
}

/** Whether somebody may: tenant-wide, whatever it is done to. */
export const can = ({ permissions }: { permissions: Permissions }, permission: Permission): boolean => permissions.has(permission);

/** For whoever asks more than once of the same assignments. */
export function indexAssignments(assignments: readonly RoleAssignment[]): AssignmentIndex {
  const index = { user: new Map<string, RoleAssignment[]>(), group: new Map<string, RoleAssignment[]>() };
  for (const assignment of assignments) {
    const { type, id } = assignment.subject;
    const given = index[type].get(id);
    if (given) given.push(assignment);
    else index[type].set(id, [assignment]);
  }
  return { toUser: index.user, toGroup: index.group };
}

/** The person's groups, roles and permissions at that moment. */
export function holderOf(userId: string, { memberships, assignments, roles: definitions }: AccessRules, now: string): Holder {
  const groups = groupClosure(userId, memberships, now);
  const roles = new Set(['member']);
  const take = (given: readonly RoleAssignment[] | undefined) => {
    if (given !== undefined) for (const { role, expiresAt } of given) if (isInForce(expiresAt, now)) roles.add(role);
  };
  take(assignments.toUser.get(userId));
  for (const group of groups) take(assignments.toGroup.get(group));
  return { userId, groups, roles, permissions: permissionsFrom(roles, definitions) };
}

/** What the roles may together. */
export function permissionsFrom(roles: ReadonlySet<string>, definitions: AccessRules['roles']): Permissions {
  const has = (permission: Permission) => {
    for (const role of roles) if (definitions.get(role)?.has(permission)) return true;
    return false;
  };
  return { has };
}

/** The role on a template with those entries; whoever may administer all templates has `admin`. */
export function templateRoleOf({ userId, groups, permissions }: Holder, entries: readonly AclEntry[], now: string): TemplateRole | null {
  return effectiveTemplateRole(entries, { userId, groups, adminOfAll: permissions.has('template:admin') }, now);
}
