import { readFileSync } from 'node:fs';

/** Place of the foreground's process group in `/proc/<pid>/stat`, behind the name of the program. */
const FOREGROUND_GROUP = 5;

/** The program that has a shell's terminal; null: the shell itself, or nobody can tell. */
export function foregroundOf(shell: number): string | null {
  try {
    const stat = readFileSync(`/proc/${shell}/stat`, 'utf8');
    const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[FOREGROUND_GROUP]);
    if (group <= 0 || group === shell) return null;
    return readFileSync(`/proc/${group}/comm`, 'utf8').trim().slice(0, 100);
  } catch {
    return null;
  }
}
