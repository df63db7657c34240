import type { Permission } from '../../../core/access/permissions.ts';
import type { RoleAssignment } from '../../../core/access/rules.ts';
import type { AclEntry, Membership, TemplateRole } from '../../../core/access/template-acl.ts';

/** An organisation as it stands in access.md: everything that decides, as plain lists. */
export interface World {
  memberships: Membership[];
  assignments: RoleAssignment[];
  roles: Array<{ name: string; permissions: Permission[] }>;
  entries: AclEntry[];
}

/** The rules as slowly and as obviously as they can be said. The product is held against this; it shares nothing with it. */

const isOver = (expiresAt: string | null, now: string) => expiresAt !== null && Date.parse(expiresAt) <= Date.parse(now);

/** Somebody is in a group while it names them, or while it names a group that they are in. */
export function isIn(world: World, userId: string, groupId: string, now: string): boolean {
  return world.memberships.some(
    (membership) =>
      membership.groupId === groupId &&
      !isOver(membership.expiresAt, now) &&
      (membership.memberType === 'user' ? membership.memberId === userId : isIn(world, userId, membership.memberId, now)),
  );
}

export function hasRole(world: World, userId: string, role: string, now: string): boolean {
  if (role === 'member') return true;
  return world.assignments.some(
    (given) =>
      given.role === role &&
      !isOver(given.expiresAt, now) &&
      (given.subject.type === 'user' ? given.subject.id === userId : isIn(world, userId, given.subject.id, now)),
  );
}

export function may(world: World, userId: string, permission: Permission, now: string): boolean {
  return world.roles.some(({ name, permissions }) => permissions.includes(permission) && hasRole(world, userId, name, now));
}

export function templateRole(world: World, userId: string, now: string): TemplateRole | null {
  if (may(world, userId, 'template:admin', now)) return 'admin';
  const given = (role: TemplateRole) =>
    world.entries.some((entry) => {
      if (entry.role !== role || isOver(entry.expiresAt, now)) return false;
      if (entry.subject.type === 'everyone') return true;
      return entry.subject.type === 'user' ? entry.subject.id === userId : isIn(world, userId, entry.subject.id, now);
    });
  if (given('admin')) return 'admin';
  if (given('use')) return 'use';
  return given('view') ? 'view' : null;
}
