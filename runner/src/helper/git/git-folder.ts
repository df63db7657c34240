import { lstat, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const MOST_LETTERS = 20_000;

/** Where a repository keeps its state: `.git`, or where a file of that name leads to. */
export async function gitFolderOf(folder: string): Promise<string> {
  const place = join(folder, '.git');
  if ((await lstat(place)).isDirectory()) return place;
  const [, to = ''] = /^gitdir: (.+)$/m.exec(await readFile(place, 'utf8')) ?? [];
  return resolve(folder, to);
}

/** Where several worktrees keep their branches together. */
export async function commonFolderOf(gitFolder: string): Promise<string> {
  const to = await readSmall(join(gitFolder, 'commondir'));
  return to === null ? gitFolder : resolve(gitFolder, to.trim());
}

/** A small file of git's; null: it is not there. */
export async function readSmall(place: string): Promise<string | null> {
  try {
    return (await readFile(place, 'utf8')).slice(0, MOST_LETTERS);
  } catch {
    return null;
  }
}
