import type { Group } from '@gatehouse/core/api/groups.ts';

export const SOURCE_WORDS: Record<Group['source'], string> = {
  local: 'Gatehouse',
  scim: 'Identity provider (SCIM)',
  oidc: 'Identity provider (sign-on)',
};

/** "via Devs → Web, or via Staff": the ways on which somebody is in a group; at most five are told. */
export function waysWords(paths: readonly (readonly { name: string }[])[]): string {
  return paths.map((path) => `via ${path.map(({ name }) => name).join(' → ')}`).join(', or ');
}
