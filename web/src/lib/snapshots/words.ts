import type { Snapshot } from '@gatehouse/core/api/snapshots.ts';
import type { Tone } from '#lib/components/Status.svelte';
import { count, plural } from '#lib/time.ts';

/** 0 → nothing, 1536 → 1.5 kB, in powers of ten. */
export function bytesOf(bytes: number): string {
  if (bytes === 0) return 'nothing';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}

/** A snapshot's state: a shape, a colour and a word. */
export function stateOf({ state, isExact, changed }: Snapshot): { tone: Tone; word: string } {
  switch (state) {
    case 'asked':
      return { tone: 'info', word: 'Waits for the runner' };
    case 'making':
      return { tone: 'info', word: 'Being made' };
    case 'failed':
      return { tone: 'bad', word: 'Failed' };
    case 'done':
      if (isExact) return { tone: 'ok', word: 'Complete' };
      return changed.count === 0
        ? { tone: 'ok', word: 'Made while it ran' }
        : { tone: 'warn', word: `${count(changed.count)} changed meanwhile` };
  }
}

const CAUSES = { asked: 'Asked for', stop: 'After a stop', schedule: 'By the clock' } as const;

/** Why it was made, and by whom. */
export const causeOf = ({ cause, by }: Snapshot): string => (by === null ? CAUSES[cause] : `${CAUSES[cause]} by ${by}`);

/** What is to be known of what it holds. */
export function contentOf({ state, files, bytes, sent, leftOut, error }: Snapshot): string {
  if (state === 'failed') return error ?? '';
  if (state === 'making') return `${bytesOf(sent)} sent so far`;
  if (state !== 'done') return '';
  const missing = leftOut.count === 0 ? '' : `; ${count(leftOut.count)} left out: ${leftOut.names.slice(0, 3).join(', ')}`;
  return `${plural(files, 'file')}, ${bytesOf(bytes)}; ${bytesOf(sent)} stored for it${missing}`;
}
