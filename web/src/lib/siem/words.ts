import type { Destination, DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const TYPE_NAMES: Record<DestinationConfig['type'], string> = { 'splunk-hec': 'Splunk HEC', webhook: 'Signed webhook' };

const STATE_SHOWN: Record<Destination['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Active' },
  paused: { tone: 'off', word: 'Paused' },
  failing: { tone: 'bad', word: 'Failing' },
};

/** How a destination's state is told. One that has never taken an event is not known to work. */
export function shownState({ state, lastSuccessAt }: Pick<Destination, 'state' | 'lastSuccessAt'>): { tone: Tone; word: string } {
  return state === 'active' && lastSuccessAt === null ? { tone: 'unknown', word: 'Not delivered yet' } : STATE_SHOWN[state];
}
