import type { MappingKind } from '@gatehouse/core/access/group-mapping.ts';
import type { GroupMapping, Made, MappingTarget } from '@gatehouse/core/api/group-mappings.ts';
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
  'made-group': { option: 'a group of their own, made here', label: 'Called' },
};

/** What becomes of a group that was made once the directory's is gone. */
export const GONE_WORDS = {
  empty: { option: 'is kept, without its people', words: 'kept when the directory’s group is gone' },
  delete: { option: 'is deleted, if nobody else is in it', words: 'deleted when the directory’s group is gone' },
} as const;

/** “role Auditor”: what the groups of a mapping get. */
export const given = ({ target }: Pick<GroupMapping, 'target'>): { kind: string; name: string; note: string } => ({
  kind: target.type === 'made-group' ? 'a group called' : target.type,
  name: target.name,
  note: target.whenGone === null ? '' : GONE_WORDS[target.whenGone].words,
});

/** What a preview says of one group that is to be made. */
export function madeWords({ outcome, name, by }: Made): { tone: 'ok' | 'warn'; text: string } {
  switch (outcome) {
    case 'make':
      return { tone: 'ok', text: `makes ${name}` };
    case 'join':
      return { tone: 'ok', text: `joins ${name}` };
    case 'taken':
      return {
        tone: 'warn',
        text:
          by?.handMade === true
            ? `makes nothing: ${by.name} was made by hand, and is left alone until you hand it over`
            : `makes nothing: there is a group ${by?.name ?? name} already`,
      };
    case 'no-name':
      return { tone: 'warn', text: 'makes nothing: no name comes out' };
    case 'full':
      return { tone: 'warn', text: 'makes nothing: the organisation has as many groups as it may have' };
  }
}
