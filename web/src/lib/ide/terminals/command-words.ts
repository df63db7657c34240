import type { ShellCommand } from './shell-marks.ts';

/** "42 s", "3 min 5 s", "2 h 10 min". */
export function lasted(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How a command ended, for people. */
export function commandWords({ exit, end, took }: Pick<ShellCommand, 'exit' | 'end' | 'took'>): string {
  const how = end === null ? 'Running' : exit === null || exit === 0 ? 'Finished' : `Failed with ${exit}`;
  return took === null || took < 1000 ? how : `${how} after ${lasted(took)}`;
}
