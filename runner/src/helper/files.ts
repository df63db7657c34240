import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { ServiceFailure } from '../service-failure.ts';
import { placeOf } from './paths.ts';

export const entryOf = (name: string, stats: BigIntStats): FileEntry => ({
  name,
  kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other',
  size: Number(stats.size),
  modified: Math.floor(Number(stats.mtimeMs)),
});

/** Changes whenever the content may have changed. */
export const etagOf = (stats: BigIntStats): string => `${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}`;

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

export async function deleteFile(root: string, path: string, recursive: boolean): Promise<object> {
  const place = placeOf(root, path);
  if (place === root) throw new ServiceFailure('refused', 'The root of the workspace is deleted with the workspace only');
  const stats = await lstat(place);
  if (!stats.isDirectory()) await unlink(place);
  else if (recursive) await rm(place, { recursive: true });
  else await rmdir(place);
  return { ok: true };
}
