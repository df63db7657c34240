import type { Group } from '@gatehouse/core/api/groups.ts';

export const SOURCE_WORDS: Record<Group['source'], string> = {
  local: 'Gatehouse',
  scim: 'Identity provider (SCIM)',
  oidc: 'Identity provider (sign-on)',
};

/** "Direct, and via Devs → Web, or via Staff": how somebody is in a group; at most five ways are told. */
export function howWords({ direct, paths }: { direct: boolean; paths: readonly (readonly { name: string }[])[] }): string {
  const ways = paths.map((path) => `via ${path.map(({ name }) => name).join(' → ')}`).join(', or ');
  if (!direct) return ways;
  return ways === '' ? 'Direct' : `Direct, and ${ways}`;
}
