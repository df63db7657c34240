import { PERMISSIONS, type Permission } from './permissions.ts';

/** What a token can be given beside tenant-wide permissions: what its owner does without any. */
export const OWN_SCOPES = {
  'template:read': 'See the templates that its owner may see',
  'template:manage': 'Change the templates that its owner administers, and who may use them',
  'workspace:read-own': 'See its owner’s workspaces and their build logs',
  'workspace:run-own': 'Start, stop and delete its owner’s workspaces',
} as const;

export type OwnScope = keyof typeof OWN_SCOPES;
export type Scope = Permission | OwnScope;

export const SCOPES: Readonly<Record<Scope, string>> = { ...PERMISSIONS, ...OWN_SCOPES };

/** Scopes that say the other, too. */
const IMPLIED_BY: Record<OwnScope, readonly Scope[]> = {
  'template:read': ['template:manage', 'template:create', 'template:admin'],
  'template:manage': ['template:admin'],
  'workspace:read-own': ['workspace:create', 'workspace:run-own', 'workspace:read-all', 'workspace:stop-all'],
  'workspace:run-own': [],
};

/** What a token with these scopes may do: never more than its owner may at this moment. */
export const narrowed = (held: ReadonlySet<Permission>, scopes: ReadonlySet<Scope>): Set<Permission> =>
  new Set([...held].filter((permission) => scopes.has(permission)));

/** Whether somebody may use what needs that scope. @param scopes of the token; null for a session, which has no bounds of its own */
export const inScope = (scopes: ReadonlySet<Scope> | null, wanted: OwnScope): boolean =>
  scopes === null || scopes.has(wanted) || IMPLIED_BY[wanted].some((wider) => scopes.has(wider));
