import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stream, StreamEvents } from '../host.ts';
import { placeOf } from '../paths.ts';
import { commonFolderOf, gitFolderOf } from './git-folder.ts';

const TOGETHER = 150;
/** of branches, in one repository */
const MOST_FOLDERS = 200;
/** What git writes beside what it changes, or without changing what is shown. */
const PASSING = /(\.lock|^COMMIT_EDITMSG|^gc\.|^objects|^config\.worktree|~)$/;

/**
 * Tells when git itself changed something: its index, HEAD, branches, or a merge that began. Files are watched
 * by `files.watch`, which does not look in here.
 */
export function watchRepositories(root: string, repos: readonly string[], stream: Stream): StreamEvents {
  const watches: RepositoryWatch[] = [];
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const flush = () => {
    timer = undefined;
    stream.message({ kind: 'changed', repos: [...changed] });
    changed.clear();
  };
  const run = async () => {
    for (const repo of repos) {
      const noted = () => {
        changed.add(repo);
        if (!closed) timer ??= setTimeout(flush, TOGETHER);
      };
      const one = new RepositoryWatch(noted);
      watches.push(one);
      // One that is not there any more is found out by asking for its status.
      await one.start(placeOf(root, repo)).catch(() => undefined);
    }
    if (closed) watches.forEach((one) => one.close());
    else stream.head({ ok: true });
  };
  run().catch((error: unknown) => stream.fail(error));
  return {
    reset: () => {
      closed = true;
      clearTimeout(timer);
      watches.forEach((one) => one.close());
    },
  };
}

class RepositoryWatch {
  readonly #changed: () => void;
  readonly #folders = new Map<string, FSWatcher>();

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  async start(folder: string): Promise<void> {
    const own = await gitFolderOf(folder);
    const common = await commonFolderOf(own);
    this.#watch(own, () => undefined);
    if (common !== own) this.#watch(common, () => undefined);
    await this.#refs(join(common, 'refs'));
  }

  close(): void {
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  /** Branches with "/" in their names are folders, which come and go. */
  async #refs(folder: string): Promise<void> {
    this.#watch(folder, (name) => void this.#refs(join(folder, name)).catch(() => undefined));
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries) if (entry.isDirectory()) await this.#refs(join(folder, entry.name));
  }

  #watch(folder: string, came: (name: string) => void): void {
    if (this.#folders.has(folder) || this.#folders.size >= MOST_FOLDERS) return;
    const watcher = watch(folder, (_kind, name) => {
      if (name !== null && PASSING.test(name)) return;
      if (name !== null) came(name);
      this.#changed();
    });
    watcher.on('error', () => {
      watcher.close();
      this.#folders.delete(folder);
    });
    this.#folders.set(folder, watcher);
  }
}
