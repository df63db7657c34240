import type { BigIntStats } from 'node:fs';
import { constants, lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises';
import { encodeEntry } from './entry.ts';

const PIECE = 256 * 1024;
/** folders in folders; each holds a file open while what is in it is read */
const MOST_DEPTH = 128;
const MOST_NAMES = 20;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** How many there are, and the first few. */
export class Names {
  count = 0;
  readonly names: string[] = [];

  add(name: string): void {
    this.count++;
    // Names may hold what breaks a log or a page.
    if (this.names.length < MOST_NAMES)
      this.names.push(
        name
          .replaceAll(/\p{Cc}/gu, '?')
          .slice(0, 190)
          .trim() || '?',
      );
  }
}

/** What a reading of a home came upon. */
export class Reading {
  files = 0;
  bytes = 0;
  /** files that changed while they were read: what is kept of them may be neither the old nor the new */
  readonly changed = new Names();
  /** what can't be kept: sockets, pipes, devices, what may not be read, folders too deep */
  readonly leftOut = new Names();
}

export type Sink = (bytes: Buffer) => Promise<void>;

interface Folder {
  /** that the folder is reached by whatever happens to its name meanwhile */
  at: string;
  /** from the home, for people; '' the home itself */
  path: string;
  depth: number;
}

const childOf = (folder: Folder, name: Buffer) => Buffer.concat([Buffer.from(`${folder.at}/`), name]);
const SKIPPABLE = ['EACCES', 'EPERM', 'ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO', 'EISDIR', 'EIO', 'ENAMETOOLONG'];
const mayBeSkipped = (error: unknown) => SKIPPABLE.includes((error as NodeJS.ErrnoException).code ?? '');

/**
 * Reads a home into a stream of entries (entry.ts). Programs of the workspace may run meanwhile and mean harm: every step goes
 * through an open folder, never through a path, and no link is followed, so nothing outside of the home is ever read.
 */
export class HomeReader {
  readonly #sink: Sink;
  readonly #ignore: ReadonlySet<string>;
  readonly #signal: AbortSignal;
  readonly #piece = Buffer.allocUnsafe(PIECE);
  /** files that more than one name leads to, by device and inode */
  readonly #shared = new Map<string, number>();
  readonly reading = new Reading();

  constructor(sink: Sink, ignore: readonly string[], signal: AbortSignal) {
    this.#sink = sink;
    this.#ignore = new Set(ignore);
    this.#signal = signal;
  }

  /** @throws Error when the home itself can't be read, and what the sink throws */
  async read(home: string): Promise<void> {
    const handle = await open(home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    await this.#folder(handle, Buffer.alloc(0), { path: '', depth: 0 });
  }

  async #folder(handle: FileHandle, name: Buffer, place: Omit<Folder, 'at'>): Promise<void> {
    try {
      const { mode, mtimeNs } = await handle.stat({ bigint: true });
      await this.#sink(encodeEntry({ kind: 'folder', name, mode: Number(mode) & 0o7777, time: mtimeNs / 1000n }));
      const folder = { ...place, at: `/proc/self/fd/${handle.fd}` };
      const names = await readdir(folder.at, { encoding: 'buffer' }).catch((error: unknown) => this.#skip(error, `${place.path}/`));
      for (const child of (names ?? []).sort(Buffer.compare)) {
        this.#signal.throwIfAborted();
        await this.#entry(folder, child);
      }
      await this.#sink(encodeEntry({ kind: 'end' }));
    } finally {
      await handle.close();
    }
  }

  async #entry(folder: Folder, name: Buffer): Promise<void> {
    const path = folder.path === '' ? name.toString() : `${folder.path}/${name.toString()}`;
    if (this.#ignore.has(path)) return;
    const at = childOf(folder, name);
    const stats = await lstat(at, { bigint: true }).catch((error: unknown) => this.#skip(error, path));
    if (stats === null) return;
    if (stats.isSymbolicLink()) return this.#link(at, name, stats, path);
    if (!stats.isDirectory() && !stats.isFile()) return this.reading.leftOut.add(path);
    if (stats.isDirectory() && folder.depth === MOST_DEPTH) return this.reading.leftOut.add(`${path}/`);
    // Whatever it has become meanwhile: a link is not followed, and nobody waits for a pipe.
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (stats.isDirectory() ? O_DIRECTORY : 0);
    const handle = await open(at, flags).catch((error: unknown) => this.#skip(error, path));
    if (handle === null) return;
    if (stats.isDirectory()) return this.#folder(handle, name, { path, depth: folder.depth + 1 });
    try {
      await this.#file(handle, name, path);
    } finally {
      await handle.close();
    }
  }

  async #link(at: Buffer, name: Buffer, stats: BigIntStats, path: string): Promise<void> {
    const target = await readlink(at, { encoding: 'buffer' }).catch((error: unknown) => this.#skip(error, path));
    if (target !== null) await this.#sink(encodeEntry({ kind: 'link', name, time: stats.mtimeNs / 1000n, target }));
  }

  async #file(handle: FileHandle, name: Buffer, path: string): Promise<void> {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) return this.reading.leftOut.add(path);
    const isShared = before.nlink > 1n;
    if (isShared) {
      const inode = `${before.dev}:${before.ino}`;
      const file = this.#shared.get(inode);
      if (file !== undefined) return this.#sink(encodeEntry({ kind: 'hard-link', name, file }));
      this.#shared.set(inode, this.#shared.size);
    }
    const size = Number(before.size);
    const mode = Number(before.mode) & 0o7777;
    await this.#sink(encodeEntry({ kind: 'file', name, mode, time: before.mtimeNs / 1000n, size, isShared }));
    const isWhole = await this.#content(handle, size);
    const after = await handle.stat({ bigint: true });
    if (!isWhole || after.size !== before.size || after.mtimeNs !== before.mtimeNs) this.reading.changed.add(path);
    this.reading.files++;
    this.reading.bytes += size;
  }

  /** Exactly so many bytes: what has become shorter is filled up with zeros. @returns whether it was not */
  async #content(handle: FileHandle, size: number): Promise<boolean> {
    let isWhole = true;
    for (let at = 0; at < size;) {
      this.#signal.throwIfAborted();
      const wanted = Math.min(PIECE, size - at);
      const { bytesRead } = isWhole ? await handle.read(this.#piece, 0, wanted, at) : { bytesRead: 0 };
      if (bytesRead === 0) {
        isWhole = false;
        this.#piece.fill(0, 0, wanted);
      }
      const length = bytesRead === 0 ? wanted : bytesRead;
      await this.#sink(this.#piece.subarray(0, length));
      at += length;
    }
    return isWhole;
  }

  #skip(error: unknown, path: string): null {
    if (!mayBeSkipped(error)) throw error;
    this.reading.leftOut.add(path);
    return null;
  }
}
