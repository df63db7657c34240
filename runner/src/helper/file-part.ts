import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTIAL_HOURS } from '@gatehouse/core/protocol/files.ts';
import { ServiceFailure } from '../service-failure.ts';

/** Where uploads grow until they are whole: out of sight of whoever works in the folders that they go to. */
const folderOf = (root: string) => join(root, '.cache', 'gatehouse', 'uploads');
const placeOfPart = (root: string, id: string) => join(folderOf(root), id);

/** Forgets what nobody has gone on with for long. */
async function sweep(folder: string): Promise<void> {
  const oldest = Date.now() - PARTIAL_HOURS * 3_600_000;
  for (const name of await readdir(folder)) {
    const stats = await lstat(join(folder, name)).catch(() => null);
    if (stats !== null && stats.mtimeMs < oldest) await rm(join(folder, name), { force: true });
  }
}

/** The file that an upload grows in. @throws ServiceFailure `conflict` when less is there than was to be gone on with */
export async function openPart(root: string, { id, from }: { id: string; from: number }): Promise<{ place: string; file: FileHandle }> {
  const place = placeOfPart(root, id);
  if (from === 0) {
    await mkdir(folderOf(root), { recursive: true, mode: 0o700 });
    await sweep(folderOf(root));
  }
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | (from === 0 ? constants.O_CREAT : 0);
  const file = await open(place, flags, 0o600);
  const stats = await file.stat();
  if (stats.isFile() && stats.size >= from) return { place, file };
  await file.close();
  throw new ServiceFailure('conflict', 'Less of this upload is there than was sent');
}

/** How much of an upload is there. @param discard whether it is given up */
export async function partOf(root: string, { id, discard }: { id: string; discard: boolean }): Promise<object> {
  const place = placeOfPart(root, id);
  if (discard) await rm(place, { force: true });
  const stats = await lstat(place).catch(() => null);
  return { ok: true, size: stats?.isFile() === true ? stats.size : 0 };
}
