/** Tenant-wide permissions, `resource:action`, and the built-in roles that hold them. */
export const PERMISSIONS = {
  'tenant:read': 'See the organisation and its settings',
  'tenant:update': 'Change the organisation and its settings',
  'policy:read': 'See the security policy',
  'policy:update': 'Change the security policy',
  'user:read': 'See who is in the organisation',
  'user:invite': 'Invite people and take invitations back',
  'user:update': 'Rename, suspend and reactivate people',
  'user:delete': 'Delete people',
  'user:sign-out': 'End other people’s sessions',
  'group:read': 'See groups and their members',
  'group:update': 'Change groups and their members',
  'role:read': 'See who holds which role',
  'role:assign': 'Give and take roles',
  'role:update': 'Make and change custom roles',
  'service-account:read': 'See the service accounts and their tokens',
  'service-account:manage': 'Make and change service accounts and their tokens',
  'token:read-all': 'See everybody’s API tokens',
  'token:revoke-all': 'Revoke everybody’s API tokens',
  'access:review': 'See who can use which template, and why',
  'template:create': 'Make templates',
  'template:admin': 'Change every template and who may use it',
  'workspace:create': 'Make workspaces from the templates one may use',
  'workspace:read-all': 'See everybody’s workspaces',
  'workspace:stop-all': 'Stop and delete everybody’s workspaces',
  'workspace:transfer': 'Give workspaces to somebody else',
  'runner:read': 'See the runners',
  'runner:manage': 'Enrol, confirm and remove runners',
  'audit:read': 'Read the audit log',
  'finding:triage': 'Say how a finding stands',
  'recording:read': 'Watch and search the recordings of terminals',
  'recording:manage': 'Delete recordings, and choose their key and how long they are kept',
  'idp:read': 'See the identity providers and what they provisioned',
  'idp:manage': 'Set up identity providers, their domains and mappings',
  'siem:read': 'See where the audit log is streamed to',
  'siem:manage': 'Change where the audit log is streamed to',
} as const;

export type Permission = keyof typeof PERMISSIONS;

const all = Object.keys(PERMISSIONS) as Permission[];
const member: Permission[] = ['tenant:read', 'policy:read', 'workspace:create'];

/** What each built-in role may do. `member` is everybody's, without an assignment. */
export const BUILT_IN_ROLES = {
  owner: all,
  'user-admin': [
    'user:read',
    'user:invite',
    'user:update',
    'user:delete',
    'user:sign-out',
    'group:read',
    'group:update',
    'role:read',
    'access:review',
    'service-account:read',
    'service-account:manage',
    'token:read-all',
    'token:revoke-all',
    'idp:read',
  ],
  'template-admin': [
    'template:create',
    'template:admin',
    'user:read',
    'group:read',
    'access:review',
    'runner:read',
    'runner:manage',
    'workspace:read-all',
    'workspace:stop-all',
  ],
  auditor: [
    'audit:read',
    'user:read',
    'group:read',
    'role:read',
    'access:review',
    'service-account:read',
    'token:read-all',
    'runner:read',
    'recording:read',
    'siem:read',
    'idp:read',
    'workspace:read-all',
  ],
  member,
} as const satisfies Record<string, readonly Permission[]>;

export type BuiltInRole = keyof typeof BUILT_IN_ROLES;

export const BUILT_IN_ROLE_NAMES: Record<BuiltInRole, string> = {
  owner: 'Owner',
  'user-admin': 'User admin',
  'template-admin': 'Template admin',
  auditor: 'Auditor',
  member: 'Member',
};

/** A role that an organisation made itself. */
export interface CustomRole {
  id: string;
  name: string;
  permissions: readonly Permission[];
}

/** The permissions that the given roles hold together; `member` is always among them. */
export function permissionsOf(roles: readonly BuiltInRole[], custom: ReadonlyArray<Pick<CustomRole, 'permissions'>> = []): Set<Permission> {
  return new Set<Permission>([...member, ...roles.flatMap((role) => BUILT_IN_ROLES[role]), ...custom.flatMap((role) => role.permissions)]);
}

/** The permissions by what they are about, in the order of the list above. */
export function permissionsByResource(): Array<{ resource: string; permissions: Permission[] }> {
  const groups = new Map<string, Permission[]>();
  for (const permission of all) {
    const resource = permission.slice(0, permission.indexOf(':'));
    groups.set(resource, [...(groups.get(resource) ?? []), permission]);
  }
  return [...groups].map(([resource, permissions]) => ({ resource, permissions }));
}

/** "see who is in the organisation and invite people": what somebody with these permissions may do, to go on a sentence. */
export function permissionWords(permissions: readonly Permission[]): string {
  const words = all
    .filter((permission) => permissions.includes(permission))
    .map((permission) => PERMISSIONS[permission].charAt(0).toLowerCase() + PERMISSIONS[permission].slice(1));
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join('; ')}; and ${words.at(-1)}`;
}

/** Whether somebody with these permissions is at least as mighty as a holder of those roles. */
export function covers(
  held: ReadonlySet<string>,
  roles: readonly BuiltInRole[],
  custom: ReadonlyArray<Pick<CustomRole, 'permissions'>> = [],
): boolean {
  return [...permissionsOf(roles, custom)].every((each) => member.includes(each) || held.has(each));
}
