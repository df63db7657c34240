import type { FindingState, Severity } from '@gatehouse/core/audit/findings.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const SEVERITY_SHOWN: Record<Severity, { word: string; tone: Tone }> = {
  high: { word: 'High', tone: 'bad' },
  medium: { word: 'Medium', tone: 'warn' },
  low: { word: 'Low', tone: 'off' },
};

/** The states as they are shown: `tab` above the list, `word` beside one, `did` of who moved it there. */
export const STATES_SHOWN: Record<FindingState, { tab: string; word: string; tone: Tone; did: string }> = {
  open: { tab: 'Open', word: 'Open', tone: 'warn', did: 'reopened it' },
  acknowledged: { tab: 'Being looked into', word: 'Looked into', tone: 'info', did: 'is looking into it' },
  resolved: { tab: 'Resolved', word: 'Resolved', tone: 'off', did: 'resolved it' },
};
