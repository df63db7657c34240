import type { Destination, DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const TYPE_NAMES: Record<DestinationConfig['type'], string> = { 'splunk-hec': 'Splunk HEC', webhook: 'Signed webhook' };

export const STATE_SHOWN: Record<Destination['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Active' },
  paused: { tone: 'off', word: 'Paused' },
  failing: { tone: 'bad', word: 'Failing' },
};
