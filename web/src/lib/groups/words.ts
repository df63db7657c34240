import type { Group, Member } from '@gatehouse/core/api/groups.ts';
import { dateTime } from '#lib/time.ts';

export const SOURCE_WORDS: Record<Group['source'], string> = {
  local: 'Gatehouse',
  scim: 'Identity provider (SCIM)',
  oidc: 'Identity provider (sign-on)',
};

interface How extends Pick<Member, 'direct' | 'pathEnds'> {
  paths: readonly (readonly { name: string }[])[];
}

/** "Direct, and via Devs → Web until 30 Nov 2026, 18:00, or via Staff": how somebody is in a group; at most five ways are told. */
export function howWords({ direct, paths, pathEnds }: How): string {
  const until = (end: string | null | undefined) => (end ? ` until ${dateTime(end)}` : '');
  const ways = paths.map((path, at) => `via ${path.map(({ name }) => name).join(' → ')}${until(pathEnds[at])}`).join(', or ');
  if (!direct) return ways;
  return ways === '' ? 'Direct' : `Direct, and ${ways}`;
}
