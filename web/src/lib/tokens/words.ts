import type { Token } from '@gatehouse/core/api/tokens.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const TOKEN_STATES_SHOWN: Record<Token['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Works' },
  expired: { tone: 'off', word: 'Expired' },
  revoked: { tone: 'bad', word: 'Revoked' },
};
