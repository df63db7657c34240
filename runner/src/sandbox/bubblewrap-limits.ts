import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';

const MEBI = 1024 * 1024;

/** Where programs may write beside the home, in bytes: in memory, and no more than the workspace may have of that. */
export function scratchSizes({ memoryMb }: Pick<TemplateLimits, 'memoryMb'>): Record<'/tmp' | '/var/tmp' | '/dev/shm', number> {
  const whole = memoryMb === null ? Math.floor(totalmem() / 4) : memoryMb * MEBI;
  return { '/tmp': Math.floor(whole / 2), '/var/tmp': Math.floor(whole / 4), '/dev/shm': Math.floor(whole / 4) };
}

export function scratchArguments(limits: Pick<TemplateLimits, 'memoryMb'>): string[] {
  const sizes = scratchSizes(limits);
  const scratch = (place: keyof typeof sizes) => ['--perms', '1777', '--size', String(sizes[place]), '--tmpfs', place];
  return [
    ...[...scratch('/tmp'), '--perms', '0755', '--dir', '/var', ...scratch('/var/tmp')],
    ...[...scratch('/dev/shm'), '--remount-ro', '/dev'],
  ];
}

/** After everything else: nothing can be written that is neither the home nor bounded. */
export const SEALED = ['--remount-ro', '/'];

/** Gives `start` a file descriptor that holds these bytes and has no name. */
export function withBytes<T>(folder: string, name: string, bytes: Uint8Array | string, start: (file: number) => T): T {
  const path = join(folder, name);
  writeFileSync(path, bytes, { mode: 0o600 });
  const file = openSync(path, 'r');
  try {
    rmSync(path);
    return start(file);
  } finally {
    closeSync(file);
  }
}
