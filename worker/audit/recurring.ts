import { newId } from '@gatehouse/core/ids.ts';
import { sha256 } from './hash.ts';

/** What happens all the time and would fill the log is recorded at most once in so many milliseconds. */
export const RECURRING_MS = 10 * 60_000;

/**
 * The id of an event that is recorded at most once per key and window: within a window it is always the
 * same, and the ledger takes each id once. So no part has to remember what it has recorded.
 */
export function recurringEventId(key: string, now: Date): string {
  const begin = Math.floor(now.getTime() / RECURRING_MS) * RECURRING_MS;
  return newId('event', begin, sha256(new TextEncoder().encode(`${key}|${begin}`)).slice(0, 16));
}
