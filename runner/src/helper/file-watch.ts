import { watch, type FSWatcher } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ServiceFailure } from '../service-failure.ts';
import type { Stream, StreamEvents } from './host.ts';
import { placeOf } from './paths.ts';

const TOGETHER = 100;
const MOST_PATHS = 500;
/** of all paths together, so that they fit into one frame */
const MOST_LETTERS = 15_000;
const MOST_FOLDERS = 4000;
/** their names are reported, what is in them is not: too much, and nobody edits it */
const OPAQUE = new Set(['.git', 'node_modules']);

/** Watches a tree folder by folder, so that what is opaque costs nothing. */
class TreeWatch {
  readonly #root: string;
  readonly #changed: (paths: string[], overflow: boolean) => void;
  readonly #folders = new Map<string, FSWatcher>();
  #pending = new Set<string>();
  #letters = 0;
  #overflow = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(root: string, changed: (paths: string[], overflow: boolean) => void) {
    this.#root = root;
    this.#changed = changed;
  }

  /** From above downwards: where there are more folders than can be watched, those are that people see. */
  async add(first: string): Promise<void> {
    const folders = [first];
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      if (this.#closed || this.#folders.has(folder)) continue;
      if (this.#folders.size >= MOST_FOLDERS) return this.#lose();
      try {
        this.#watch(folder);
      } catch (error) {
        if (folder === first) throw error;
        this.#lose();
      }
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
        if (entry.isDirectory() && !OPAQUE.has(entry.name)) folders.push(join(folder, entry.name));
    }
  }

  #watch(folder: string): void {
    const watcher = watch(folder, (kind, name) => void this.#note(folder, kind, name));
    watcher.on('error', () => this.#remove(folder));
    this.#folders.set(folder, watcher);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  async #note(folder: string, kind: 'rename' | 'change', name: string | null): Promise<void> {
    if (name === null) return this.#lose();
    const place = join(folder, name);
    this.#name(relative(this.#root, place));
    this.#timer ??= setTimeout(() => this.#flush(), TOGETHER);
    // What was only written to is as much a folder as before: a hundred thousand looks are saved where many files are made.
    if (kind === 'change' || OPAQUE.has(name)) return;
    const stats = await lstat(place).catch(() => null);
    if (stats?.isDirectory() === true) await this.add(place).catch(() => this.#lose());
    else this.#remove(place);
  }

  #name(path: string): void {
    if (this.#pending.has(path)) return;
    if (this.#pending.size >= MOST_PATHS || this.#letters + path.length > MOST_LETTERS) return this.#lose();
    this.#pending.add(path);
    this.#letters += path.length;
  }

  #remove(folder: string): void {
    this.#folders.get(folder)?.close();
    this.#folders.delete(folder);
  }

  /** Something changed that can't be named: whoever watches must look at all of it. */
  #lose(): void {
    this.#overflow = true;
    this.#timer ??= setTimeout(() => this.#flush(), TOGETHER);
  }

  #flush(): void {
    this.#timer = undefined;
    const paths = [...this.#pending];
    const overflow = this.#overflow;
    this.#pending = new Set();
    this.#letters = 0;
    this.#overflow = false;
    if (!this.#closed) this.#changed(paths, overflow);
  }
}

/** One `message` for what changed within 100 ms, until the stream is reset. Paths are relative to the workspace's root. */
export function watchFiles(root: string, path: string, stream: Stream): StreamEvents {
  const tree = new TreeWatch(root, (paths, overflow) => stream.message({ kind: 'changed', paths, overflow }));
  const run = async () => {
    const folder = placeOf(root, path);
    if (!(await lstat(folder)).isDirectory()) throw new ServiceFailure('not-a-directory', 'Only folders can be watched');
    await tree.add(folder);
    stream.head({ ok: true });
  };
  run().catch((error: unknown) => {
    tree.close();
    stream.fail(error);
  });
  return { reset: () => tree.close() };
}
