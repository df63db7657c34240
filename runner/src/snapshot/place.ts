import { execFile } from 'node:child_process';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeTree } from '../supervisor/remove-tree.ts';

/**
 * Homes of one workspace: `home` that is used, `home.restoring` that grows, `home.before-<time>` that a restored one took the
 * place of. The last is kept for a week: the product loses no files.
 */
const BEFORE = 'home.before-';
const KEPT_MS = 7 * 24 * 3600_000;

export const homeIn = (folder: string): string => join(folder, 'home');
export const restoringIn = (folder: string): string => join(folder, 'home.restoring');

const asideIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /^home\.before-\d+$/.test(name))
    .sort();

/** A kill between the two renames leaves no home: the one before is put back. */
export function healHome(folder: string): void {
  if (!existsSync(folder) || existsSync(homeIn(folder))) return;
  const newest = asideIn(folder).at(-1);
  if (newest !== undefined) renameSync(join(folder, newest), homeIn(folder));
}

/** Puts what was restored in the place of the home, all or nothing. */
export async function putInPlace(folder: string, now: number): Promise<void> {
  // All of its file system at once: thousands of files one by one take minutes.
  await promisify(execFile)('sync', ['-f', restoringIn(folder)]);
  if (existsSync(homeIn(folder))) renameSync(homeIn(folder), join(folder, `${BEFORE}${now}`));
  renameSync(restoringIn(folder), homeIn(folder));
  const parent = await open(folder);
  await parent.sync().finally(() => parent.close());
}

/** Removes the homes that were put aside more than a week ago. */
export async function sweepAside(folder: string, now: number): Promise<void> {
  if (!existsSync(homeIn(folder))) return;
  for (const name of asideIn(folder)) {
    if (Number(name.slice(BEFORE.length)) + KEPT_MS < now) await removeTree(join(folder, name));
  }
}
