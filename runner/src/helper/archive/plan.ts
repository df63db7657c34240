import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, readdir, readlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { MOST_ARCHIVED, MOST_FILE_BYTES } from '@gatehouse/core/protocol/files.ts';
import { ServiceFailure } from '../../service-failure.ts';
import { etagOf } from '../files.ts';
import { placeOf } from '../paths.ts';
import { END, headerOf, paddingOf, type TarEntry } from './tar.ts';

/** An entry of an archive to be, and where its content lies. */
export interface Planned extends TarEntry {
  place: string;
  /** of its version */
  etag: string;
}

export interface ArchivePlan {
  entries: Planned[];
  /** of the whole archive, in bytes */
  size: number;
  etag: string;
  /** what can't be in it: unreadable, no file, a link that leads out */
  left: number;
}

/** On the systems where archives are opened, a backslash is a way into another folder. */
const harmless = (name: string) => name.replaceAll('\\', '_');

/** The folder that holds all of them. */
function commonFolder(places: readonly string[]): string {
  const [first = '/', ...others] = places.map((place) => dirname(place));
  const holds = (folder: string) => others.every((other) => other === folder || other.startsWith(folder === '/' ? '/' : `${folder}/`));
  let folder = first;
  while (!holds(folder)) folder = dirname(folder);
  return folder;
}

class Walk {
  readonly #base: string;
  readonly entries: Planned[] = [];
  left = 0;

  constructor(base: string) {
    this.#base = base;
  }

  async add(place: string): Promise<void> {
    if (this.entries.length >= MOST_ARCHIVED)
      throw new ServiceFailure('too-large', 'These are more than 100,000 files: take fewer at once');
    const stats = await lstat(place, { bigint: true });
    if (stats.isSymbolicLink()) return this.#addLink(place, stats);
    const readable = await access(place, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (!readable || !(stats.isFile() || stats.isDirectory())) return void (this.left += 1);
    this.#push(place, stats, stats.isFile() ? 'file' : 'directory', '');
    if (!stats.isDirectory()) return;
    for (const name of (await readdir(place).catch(() => [])).sort())
      await this.add(join(place, name)).catch((error: unknown) => this.#miss(error));
  }

  /** A link that leads out of what is taken is of no use there, and may be a trap. */
  async #addLink(place: string, stats: BigIntStats): Promise<void> {
    const link = await readlink(place);
    const leads = relative(this.#base, join(dirname(place), link));
    if (link.startsWith('/') || leads === '..' || leads.startsWith('../') || link.includes('\\')) return void (this.left += 1);
    this.#push(place, stats, 'symlink', link);
  }

  #push(place: string, stats: BigIntStats, kind: Planned['kind'], link: string): void {
    const name = harmless(relative(this.#base, place));
    const [size, modified] = [kind === 'file' ? Number(stats.size) : 0, Number(stats.mtimeMs / 1000n)];
    this.entries.push({ place, name, kind, size, link, modified, mode: Number(stats.mode), etag: etagOf(stats) });
  }

  /** What went while it was looked for is not in it; too much is too much. */
  #miss(error: unknown): void {
    if (error instanceof ServiceFailure) throw error;
    this.left += 1;
  }
}

/** Looks what an archive of these files and folders would hold, links not followed. The same files make the same archive, byte by byte. */
export async function planArchive(root: string, paths: readonly string[]): Promise<ArchivePlan> {
  const places = [...new Set(paths.map((path) => placeOf(root, path)))].sort();
  const outer = places.filter((place) => !places.some((other) => other !== place && place.startsWith(`${other}/`)));
  const walk = new Walk(outer.length === 1 && outer[0] === root ? root : commonFolder(outer));
  for (const place of outer) await walk.add(place);
  const entries = walk.entries.filter(({ name }) => name !== '');
  const hash = createHash('sha256');
  let size = END;
  for (const entry of entries) {
    size += headerOf(entry).byteLength + entry.size + paddingOf(entry.size);
    hash.update(`${entry.name}\0${entry.kind}\0${entry.link}\0${entry.mode}\0${entry.etag}\n`);
  }
  if (size > MOST_FILE_BYTES) throw new ServiceFailure('too-large', 'These are more than 2 GB: take fewer at once');
  return { entries, size, etag: hash.digest('hex'), left: walk.left };
}
