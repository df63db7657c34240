import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, mkdir, opendir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { ServiceFailure } from '../service-failure.ts';
import { placeOf } from './paths.ts';

export const MOST_ENTRIES = 5000;
export const MOST_BYTES = 100 * 1024 * 1024;
const AT_ONCE = 64;

export const entryOf = (name: string, stats: BigIntStats): FileEntry => ({
  name,
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other',
  size: Number(stats.size),
  modified: Math.floor(Number(stats.mtimeMs)),
});

/** Changes whenever the content may have changed. */
export const etagOf = (stats: BigIntStats): string => `${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}`;

const describe = async (folder: string, found: Dirent): Promise<FileEntry[]> => {
  try {
    return [entryOf(found.name, await lstat(join(folder, found.name), { bigint: true }))];
  } catch {
    // gone between the listing and the look
    return [];
  }
};

export async function listFolder(root: string, path: string): Promise<{ entries: FileEntry[]; truncated: boolean }> {
  const folder = placeOf(root, path);
  const found: Dirent[] = [];
  let truncated = false;
  for await (const item of await opendir(folder)) {
    truncated = found.length >= MOST_ENTRIES;
    if (truncated) break;
    found.push(item);
  }
  const entries: FileEntry[] = [];
  for (let at = 0; at < found.length; at += AT_ONCE) {
    entries.push(...(await Promise.all(found.slice(at, at + AT_ONCE).map((item) => describe(folder, item)))).flat());
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { entries, truncated };
}

/** Of what a link points to; of the link itself where that is gone. */
export async function statFile(root: string, path: string): Promise<object> {
  const place = placeOf(root, path);
  const stats = await stat(place, { bigint: true }).catch(() => lstat(place, { bigint: true }));
  return { ok: true, entry: entryOf(path === '' ? '' : basename(place), stats), etag: etagOf(stats) };
}

export async function makeFolder(root: string, path: string): Promise<object> {
  await mkdir(placeOf(root, path));
  return { ok: true };
}

export async function renameFile(root: string, from: string, to: string): Promise<object> {
  const [source, target] = [placeOf(root, from), placeOf(root, to)];
  if (source === root || target === root) throw new ServiceFailure('refused', 'The root of the workspace stays where it is');
  const taken = await lstat(target).catch(() => null);
  if (taken !== null) throw new ServiceFailure('exists', 'Something of that name is already there');
  await rename(source, target);
  return { ok: true };
}

export async function deleteFile(root: string, path: string, recursive: boolean): Promise<object> {
  const place = placeOf(root, path);
  if (place === root) throw new ServiceFailure('refused', 'The root of the workspace is deleted with the workspace only');
  const stats = await lstat(place);
  if (!stats.isDirectory()) await unlink(place);
  else if (recursive) await rm(place, { recursive: true });
  else await rmdir(place);
  return { ok: true };
}
