import { createReadStream, createWriteStream, type BigIntStats, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, opendir, readlink, realpath, rename, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import { ServiceFailure } from '../service-failure.ts';
import { placeOf } from './paths.ts';

/** bytes that are read at a time */
const PIECE = 256 * 1024;
/** who may do what, and the bits beside */
const MODE = 0o7777;

const lookAt = (place: string): Promise<BigIntStats | null> => lstat(place, { bigint: true }).catch(() => null);

/** Where something really lies: the folder's links followed, its own not. */
const realPlace = async (place: string) => join(await realpath(dirname(place)), basename(place));

/** @throws ServiceFailure when one is the root, something else is there already, or a folder would go into itself */
async function checkWay(root: string, source: string, target: string): Promise<void> {
  if (source === root || target === root) throw new ServiceFailure('refused', 'The root of the workspace stays where it is');
  const [from, there] = [await lstat(source, { bigint: true }), await lookAt(target)];
  // A disk that takes “a” and “A” for the same has the file there itself.
  const isItself = there !== null && source !== target && there.ino === from.ino && there.dev === from.dev && !from.isDirectory();
  if (there !== null && !isItself) throw new ServiceFailure('exists', 'Something of that name is already there');
  const to = await realPlace(target);
  if (from.isDirectory() && to.startsWith((await realPlace(source)) + sep))
    throw new ServiceFailure('invalid', 'A folder can’t go into itself');
}

/** With all that is in it; links stay links, wherever they lead; pipes and sockets are left out. Whole or not at all. */
export async function copyTo(source: string, target: string): Promise<void> {
  if ((await lookAt(target)) !== null) throw new ServiceFailure('exists', 'Something of that name is already there');
  try {
    if (await copyOne(source, target)) return;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
  throw new ServiceFailure('not-a-file', 'Only files, folders and links can be copied');
}

/** @returns false for what can't be copied */
async function copyOne(source: string, target: string): Promise<boolean> {
  const stats = await lstat(source);
  if (stats.isSymbolicLink()) await symlink(await readlink(source), target);
  else if (stats.isFile()) await copyContent(source, target, stats);
  else if (stats.isDirectory()) {
    await mkdir(target, { mode: 0o700 });
    for await (const { name } of await opendir(source)) await copyOne(join(source, name), join(target, name));
    await chmod(target, stats.mode & MODE);
    await utimes(target, stats.atime, stats.mtime);
  } else return false;
  return true;
}

/**
 * As much as was there when it began, and less where the file is truncated meanwhile. By streams: the system's own copy, as Node asks
 * for it, never ends with such a file.
 */
async function copyContent(source: string, target: string, { size, mode, atime, mtime }: Stats): Promise<void> {
  const writer = createWriteStream(target, { flags: 'wx', mode: 0o600 });
  if (size === 0) await finished(writer.end());
  else await pipeline(createReadStream(source, { end: size - 1, highWaterMark: PIECE }), writer);
  await chmod(target, mode & MODE);
  await utimes(target, atime, mtime);
}

/** Also from one disk to another, where a rename can't go. */
export async function moveTo(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyTo(source, target);
    await rm(source, { recursive: true });
  }
}

export async function renameFile(root: string, from: string, to: string): Promise<object> {
  const [source, target] = [placeOf(root, from), placeOf(root, to)];
  await checkWay(root, source, target);
  await moveTo(source, target);
  return { ok: true };
}

export async function copyFile(root: string, from: string, to: string): Promise<object> {
  const [source, target] = [placeOf(root, from), placeOf(root, to)];
  await checkWay(root, source, target);
  await copyTo(source, target);
  return { ok: true };
}
