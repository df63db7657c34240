import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { freeName, join, nameOf, parentOf } from '../paths.ts';
import type { Dropped } from './dropped.ts';
import type { Outgoing } from './upload-job.ts';

export type OnConflict = 'replace' | 'both' | 'skip';

/** What is there already. */
export interface Target {
  /** the entries of a folder; none where there is no such folder */
  list(path: string): Promise<readonly FileEntry[]>;
}

export interface Sorted {
  /** where nothing is */
  free: Outgoing[];
  /** where a file is */
  taken: Outgoing[];
  /** where a folder, or something else that no file can replace, is */
  blocked: string[];
  folders: string[];
  /** names by folder, as far as they are known */
  names: Map<string, Set<string>>;
}

/** Looks which of the files would meet something that is there; folders that are there are gone into, and only those. */
export async function sortUpload(dropped: Dropped, folder: string, target: Target): Promise<Sorted> {
  const sorted: Sorted = { free: [], taken: [], blocked: [], folders: [], names: new Map() };
  const known = new Map<string, Map<string, FileEntry>>();
  const look = async (path: string): Promise<Map<string, FileEntry>> => {
    const seen = known.get(path);
    if (seen !== undefined) return seen;
    const isThere = path === folder || path === '' || (await look(parentOf(path))).get(nameOf(path))?.kind === 'directory';
    const entries = new Map((isThere ? await target.list(path) : []).map((entry) => [entry.name, entry]));
    known.set(path, entries);
    sorted.names.set(path, new Set(entries.keys()));
    return entries;
  };
  const isBlocked = (path: string) => sorted.blocked.some((blocked) => path.startsWith(`${blocked}/`));
  for (const each of dropped.folders) {
    const path = join(folder, each);
    const there = (await look(parentOf(path))).get(nameOf(path));
    if (there === undefined) sorted.folders.push(path);
    else if (there.kind !== 'directory' && there.kind !== 'symlink') sorted.blocked.push(path);
  }
  for (const { path: each, file } of dropped.files) {
    const path = join(folder, each);
    if (isBlocked(path)) continue;
    const there = (await look(parentOf(path))).get(nameOf(path));
    if (there === undefined) sorted.free.push({ path, file, etag: null });
    else if (there.kind === 'directory' || there.kind === 'other') sorted.blocked.push(path);
    else sorted.taken.push({ path, file, etag: '*' });
  }
  return sorted;
}

/** What is sent, once it is known what to do about names that are taken. */
export function settle({ free, taken, names }: Sorted, how: OnConflict): Outgoing[] {
  if (how === 'skip') return free;
  if (how === 'replace') return [...free, ...taken];
  const renamed = taken.map(({ path, file }): Outgoing => {
    const folder = parentOf(path);
    const there = names.get(folder) ?? new Set<string>();
    const name = freeName(nameOf(path), there);
    there.add(name);
    return { path: join(folder, name), file, etag: null };
  });
  return [...free, ...renamed];
}
