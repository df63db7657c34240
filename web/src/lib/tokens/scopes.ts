import { OWN_SCOPES, SCOPES, type Scope } from '@gatehouse/core/access/scopes.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';

/** What a token may be about, in the order in which people think of it. */
const GROUPS: readonly { title: string; resources: readonly string[] }[] = [
  { title: 'Workspaces', resources: ['workspace'] },
  { title: 'Templates', resources: ['template'] },
  { title: 'People and groups', resources: ['user', 'group', 'role', 'service-account', 'token'] },
  { title: 'Audit log', resources: ['audit', 'finding', 'siem', 'recording'] },
  { title: 'Organisation', resources: ['tenant', 'policy', 'idp', 'runner', 'access-request'] },
];

export interface ScopeGroup {
  title: string;
  scopes: { scope: Scope; words: string }[];
}

/** The scopes that somebody with these permissions can give, by resource; a resource without a group of its own comes last. */
export function scopeGroups(permissions: readonly Permission[], withOwn: boolean): ScopeGroup[] {
  const offered = (Object.keys(SCOPES) as Scope[]).filter(
    (scope) => permissions.some((held) => held === scope) || (withOwn && scope in OWN_SCOPES),
  );
  const titleOf = (scope: Scope) => GROUPS.find(({ resources }) => resources.includes(scope.split(':')[0] ?? ''))?.title ?? 'Else';
  return [...GROUPS.map(({ title }) => title), 'Else']
    .map((title) => ({
      title,
      scopes: offered.filter((scope) => titleOf(scope) === title).map((scope) => ({ scope, words: SCOPES[scope] })),
    }))
    .filter(({ scopes }) => scopes.length > 0);
}

/** "See the audit log and 2 more" */
export function scopesInWords(scopes: readonly Scope[]): string {
  const [first, ...rest] = scopes;
  if (first === undefined) return 'Nothing';
  return rest.length === 0 ? SCOPES[first] : `${SCOPES[first]}, and ${rest.length} more`;
}
