import type { User } from '@gatehouse/core/api/directory.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const USER_STATES_SHOWN: Record<User['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Active' },
  suspended: { tone: 'bad', word: 'Suspended' },
  deactivated: { tone: 'off', word: 'Deleted' },
};
