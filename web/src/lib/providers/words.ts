import type { MappingKind } from '@gatehouse/core/access/group-mapping.ts';
import type { MappingTarget } from '@gatehouse/core/api/group-mappings.ts';
import type { IdentityProvider } from '@gatehouse/core/api/identity-providers.ts';
import type { Tone } from '#lib/components/Status.svelte';

type State = IdentityProvider['signIn']['state'];

/** How one half of a connection stands. */
export const HALF_STATES: Record<State, { tone: Tone; word: string }> = {
  unset: { tone: 'unknown', word: 'Not set up' },
  off: { tone: 'off', word: 'Off' },
  on: { tone: 'ok', word: 'On' },
  failing: { tone: 'bad', word: 'Failing' },
};

/** days before an end at which people are told of it */
const SOON = 30;
const DAY = 86_400_000;

/** "Client secret ends in 12 days": what will stop to work soon, or has. @param now milliseconds */
export function endings(provider: IdentityProvider, now: number): string[] {
  const of = (what: string, at: string | null) => {
    const days = at === null ? Infinity : Math.floor((Date.parse(at) - now) / DAY);
    if (days > SOON) return [];
    if (days < 0) return [`${what} has ended`];
    return [days === 0 ? `${what} ends today` : `${what} ends in ${days} ${days === 1 ? 'day' : 'days'}`];
  };
  return [
    ...of('Client secret', provider.signIn.secretExpiresAt),
    ...(provider.provisioning.state === 'unset' ? [] : of('Provisioning token', provider.provisioning.tokenExpiresAt)),
  ];
}

/** Which groups a mapping is about. */
export const KIND_WORDS: Record<MappingKind, { label: string; hint: string; words: (pattern: string) => string }> = {
  name: { label: 'name is', hint: 'Large and small letters are the same.', words: (pattern) => pattern },
  prefix: { label: 'name begins with', hint: 'Such as gh-: large and small letters are the same.', words: (pattern) => `${pattern}…` },
  regex: {
    label: 'whole name matches',
    hint: 'A regular expression for the whole name, such as gh-(dev|ops)-.+ . Nothing is repeated but single characters.',
    words: (pattern) => `/${pattern}/`,
  },
};

/** What a mapping gives. */
export const TARGET_WORDS: Record<MappingTarget['type'], { option: string; label: string }> = {
  role: { option: 'a role in the organisation', label: 'Role' },
  group: { option: 'a place in a group of ours', label: 'Group' },
  template: { option: 'the use of a template', label: 'Template' },
};
