import type { BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { BUILT_IN_ROLE_NAMES, BUILT_IN_ROLES, type Permission } from '@gatehouse/core/access/permissions.ts';

const ROLE_WORDS: Record<BuiltInRole, string> = {
  owner: 'an owner',
  'user-admin': 'a user administrator',
  'template-admin': 'a template administrator',
  auditor: 'an auditor',
  member: 'a member',
};

export const ROLE_NAMES = BUILT_IN_ROLE_NAMES;

/** The built-in roles that hold a permission, the smallest first. */
export function rolesWith(permission: Permission): BuiltInRole[] {
  const roles = Object.keys(BUILT_IN_ROLES) as BuiltInRole[];
  return roles
    .filter((role) => (BUILT_IN_ROLES[role] as readonly Permission[]).includes(permission))
    .sort((a, b) => BUILT_IN_ROLES[a].length - BUILT_IN_ROLES[b].length);
}

const list = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** "an auditor or an owner": the people who have what the caller lacks. */
export const roleWords = (permission: Permission): string => list.format(rolesWith(permission).map((role) => ROLE_WORDS[role]));
