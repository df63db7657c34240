/** Tenant-wide permissions, `resource:action`, and the built-in roles that hold them. */
export const PERMISSIONS = {
  'tenant:read': 'See the organisation and its settings',
  'tenant:update': 'Change the organisation and its settings',
  'policy:read': 'See the security policy',
  'policy:update': 'Change the security policy',
  'user:read': 'See who is in the organisation',
  'user:invite': 'Invite people and take invitations back',
  'user:update': 'Change, suspend and remove people',
  'group:read': 'See groups and their members',
  'group:update': 'Change groups and their members',
  'role:read': 'See who holds which role',
  'role:assign': 'Give and take roles',
  'access:review': 'See who can use which template, and why',
  'template:create': 'Make templates',
  'template:admin': 'Change every template and who may use it',
  'workspace:create': 'Make workspaces from the templates one may use',
  'workspace:read-all': 'See everybody’s workspaces',
  'workspace:stop-all': 'Stop and delete everybody’s workspaces',
  'runner:read': 'See the runners',
  'runner:manage': 'Enrol, confirm and remove runners',
  'audit:read': 'Read the audit log',
  'siem:read': 'See where the audit log is streamed to',
  'siem:manage': 'Change where the audit log is streamed to',
} as const;

export type Permission = keyof typeof PERMISSIONS;

const all = Object.keys(PERMISSIONS) as Permission[];
const member: Permission[] = ['tenant:read', 'policy:read', 'workspace:create'];

/** What each built-in role may do. `member` is everybody's, without an assignment. */
export const BUILT_IN_ROLES = {
  owner: all,
  'user-admin': ['user:read', 'user:invite', 'user:update', 'group:read', 'group:update', 'role:read', 'access:review'],
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
  auditor: ['audit:read', 'user:read', 'group:read', 'role:read', 'access:review', 'runner:read', 'siem:read', 'workspace:read-all'],
  member,
} as const satisfies Record<string, readonly Permission[]>;

export type BuiltInRole = keyof typeof BUILT_IN_ROLES;

/** The permissions that the given roles hold together; `member` is always among them. */
export function permissionsOf(roles: readonly BuiltInRole[]): Set<Permission> {
  return new Set<Permission>([...member, ...roles.flatMap((role) => BUILT_IN_ROLES[role])]);
}
