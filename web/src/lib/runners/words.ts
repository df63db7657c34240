import type { Runner } from '@gatehouse/core/api/runners.ts';
import type { Tone } from '#lib/components/Status.svelte';

/** What an administrator does with a runner, in a dialog or at once. */
export type RunnerAct = 'capacity' | 'drain' | 'lift' | 'revoke' | 'remove';

export const STATE_SHOWN: Record<Runner['state'], { tone: Tone; word: string }> = {
  unconfirmed: { tone: 'warn', word: 'To confirm' },
  online: { tone: 'ok', word: 'Online' },
  offline: { tone: 'off', word: 'Offline' },
  revoked: { tone: 'bad', word: 'Revoked' },
};

/** How a runner is shown that takes no more workspaces. */
export const drainingShown = (state: Runner['state']): { tone: Tone; word: string } =>
  state === 'online' ? { tone: 'warn', word: 'Draining' } : { ...STATE_SHOWN[state], word: `${STATE_SHOWN[state].word}, draining` };

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

/** "3 of 10 places", "3 running"; and who waits */
export function placesWords({ capacity, used, waiting }: Pick<Runner, 'capacity' | 'used' | 'waiting'>): string {
  const taken = capacity === null ? `${used} running` : `${used} of ${capacity} places`;
  return waiting === 0 ? taken : `${taken}, ${waiting} in line`;
}

/** "4 of 12 still running" */
export const drainWords = ({ left, total }: NonNullable<Runner['drain']>): string =>
  left === 0 ? 'Empty: nothing runs there any more' : `${left} of ${total} still running`;

const ROTATE_AFTER_MS = 365 * 24 * 3600_000;
/** Keys that are older than a year are worth a change. */
export const isKeyOld = ({ keysSince }: Pick<Runner, 'keysSince'>, now: number): boolean => now - Date.parse(keysSince) > ROTATE_AFTER_MS;
