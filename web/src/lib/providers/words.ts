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
