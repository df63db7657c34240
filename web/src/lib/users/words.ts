import type { User } from '@gatehouse/core/api/directory.ts';
import type { Erasure } from '@gatehouse/core/api/erasure.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const USER_STATES_SHOWN: Record<User['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Active' },
  suspended: { tone: 'bad', word: 'Suspended' },
  deactivated: { tone: 'off', word: 'Deleted' },
};

export const ERASURE_SHOWN: Record<Erasure['state'], { tone: Tone; word: string }> = {
  looking: { tone: 'info', word: 'Being erased' },
  rewriting: { tone: 'info', word: 'Being erased' },
  held: { tone: 'warn', word: 'Held up by the archive' },
  done: { tone: 'ok', word: 'Erased' },
};
