import type { Policy } from './policy-in-force.ts';

/**
 * Why a workspace stops by itself. `idle`: nobody is connected and nothing works; `work`: something works, but nobody was there for too
 * long; `schedule`: its template says so.
 */
export const STOP_REASONS = ['idle', 'work', 'schedule'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/** Whoever is there is warned, and may ask for more time, from this long before a stop. */
export const WARNED_MS = 10 * 60_000;

/** What is known of one that runs. Times in milliseconds since the epoch. */
export interface StopFacts {
  /** a browser or a web app's session */
  connected: boolean;
  /** when somebody last started it, left it, or said that it should run on */
  attendedAt: number;
  /** its runner says that something works in the foreground of a terminal */
  working: boolean;
  /** when that last ended; null: never, or not known */
  workedUntil: number | null;
  /** by its template's schedule, as it was postponed; null: never */
  scheduledAt: number | null;
}

export interface Deadline {
  at: number;
  why: StopReason;
}

const MINUTE = 60_000;

/**
 * When one that runs stops by itself, if nothing happens; null: never. Somebody there, or work, holds up auto-stop, and work does
 * so only until the policy's `unattendedWork` is over. The schedule waits for nobody.
 */
export function deadlineOf(facts: StopFacts, { autoStop, unattendedWork }: Pick<Policy, 'autoStop' | 'unattendedWork'>): Deadline | null {
  const unattended = autoStop === null || facts.connected ? null : unattendedStop(facts, autoStop, unattendedWork);
  if (facts.scheduledAt !== null && (unattended === null || facts.scheduledAt <= unattended.at))
    return { at: facts.scheduledAt, why: 'schedule' };
  return unattended;
}

function unattendedStop({ attendedAt, working, workedUntil }: StopFacts, autoStop: number, unattendedWork: number): Deadline {
  const longest: Deadline = { at: attendedAt + Math.max(autoStop, unattendedWork * 60) * MINUTE, why: 'work' };
  if (working) return longest;
  const idle: Deadline = { at: Math.max(attendedAt, workedUntil ?? 0) + autoStop * MINUTE, why: 'idle' };
  return idle.at <= longest.at ? idle : longest;
}
