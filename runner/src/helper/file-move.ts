import { constants, type BigIntStats } from 'node:fs';
import { cp, lstat, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { ServiceFailure } from '../service-failure.ts';
import { placeOf } from './paths.ts';

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
  const copied = async (place: string) => {
    const stats = await lstat(place);
    return stats.isFile() || stats.isDirectory() || stats.isSymbolicLink();
  };
  try {
    await cp(source, target, {
      recursive: true,
      errorOnExist: true,
      force: false,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
      filter: copied,
    });
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
  if ((await lookAt(target)) === null) throw new ServiceFailure('not-a-file', 'Only files, folders and links can be copied');
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
