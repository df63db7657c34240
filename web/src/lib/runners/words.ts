import type { Runner } from '@gatehouse/core/api/workspaces.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const STATE_SHOWN: Record<Runner['state'], { tone: Tone; word: string }> = {
  unconfirmed: { tone: 'warn', word: 'To confirm' },
  online: { tone: 'ok', word: 'Online' },
  offline: { tone: 'off', word: 'Offline' },
};

/** 21000000000 → "21 GB" */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const figure = count / 1000 ** power;
  return `${figure >= 10 || power === 0 ? Math.round(figure) : figure.toFixed(1)} ${units[power]}`;
}

/** "Load 1.4, 33 GB of 64 GB free" */
export function loadWords(load: NonNullable<Runner['load']>): string {
  return `Load ${load.load1.toFixed(1)}, ${bytes(load.memoryFree)} of ${bytes(load.memoryTotal)} free`;
}
