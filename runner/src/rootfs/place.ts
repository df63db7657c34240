import { lstat, mkdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';

const MOST_LINKS = 40;

/** Something in an archive that must not be unpacked. */
export class UnsafeEntry extends Error {}

/** The parts of a name in an archive. @throws UnsafeEntry for one that goes upwards */
export function partsOf(name: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0'))
    throw new UnsafeEntry(`The archive names "${name.slice(0, 100)}", which leads out of it`);
  return parts;
}

/**
 * Finds folders below a root as programs would find them with that root as their own: links are followed inside it,
 * absolute ones from it, and none leads out. What is missing is made.
 * @returns the folder's real place
 * @throws UnsafeEntry when something that is no folder stands there, or links turn in circles
 */
export async function folderIn(root: string, path: string[]): Promise<string> {
  let left = [...path];
  let real: string[] = [];
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      real = real.slice(0, -1);
      continue;
    }
    const place = join(root, ...real, part);
    const there = await lstat(place).catch(() => null);
    if (there === null) await mkdir(place, { mode: 0o755 });
    else if (there.isSymbolicLink()) {
      if (++links > MOST_LINKS) throw new UnsafeEntry(`The archive has links in a circle at ${real.join('/')}/${part}`);
      const target = await readlink(place);
      left = [...target.split('/'), ...left];
      if (target.startsWith('/')) real = [];
      continue;
    } else if (!there.isDirectory()) throw new UnsafeEntry(`The archive has ${real.join('/')}/${part} as a file and as a folder`);
    real.push(part);
  }
  return join(root, ...real);
}

/** Where an entry is to be made, with nothing there any more but perhaps a folder that stays one. */
export async function placeFor(root: string, name: string, keepFolder: boolean): Promise<string | null> {
  const parts = partsOf(name);
  const last = parts.pop();
  if (last === undefined) return null;
  const place = join(await folderIn(root, parts), last);
  const there = await lstat(place).catch(() => null);
  if (there === null || (keepFolder && there.isDirectory())) return place;
  await rm(place, { recursive: true, force: true });
  return place;
}
