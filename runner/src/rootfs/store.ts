import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TemplateRootfs } from '@gatehouse/core/api/template-rootfs.ts';
import { removeTree } from '../supervisor/remove-tree.ts';
import { fetchArchive } from './fetch.ts';
import { isImageLayout, layersOf } from './image.ts';
import { UnsafeEntry } from './place.ts';
import { unpack, type Budget } from './unpack.ts';

const UNUSED_FOR_MS = 30 * 24 * 3600_000;
const BUDGET: Budget = { bytes: 40 * 1024 ** 3, entries: 3_000_000 };

/** touched whenever a workspace starts with it */
const USED = 'used';
const ROOT = 'root';

export type Progress = (step: 'loading' | 'unpacking', part: number) => void;

/**
 * Root file systems by their digests, each unpacked once and shown read-only to every workspace that names it. A folder
 * that has its final name is whole.
 */
export class RootfsStore {
  readonly #folder: string;
  readonly #coming = new Map<string, Promise<string>>();

  /** @param folder made when it is needed */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The folder of a root file system, loaded and unpacked if it is not here yet; others may wait for the same, so that goes
   * on when this one is aborted.
   * @throws Error in words for the person who asked
   */
  async use(rootfs: TemplateRootfs, progress: Progress, signal: AbortSignal): Promise<string> {
    const place = this.#placeOf(rootfs.digest);
    const root = join(place, ROOT);
    if (!existsSync(place)) {
      const coming =
        this.#coming.get(rootfs.digest) ?? this.#make(rootfs, place, progress).finally(() => this.#coming.delete(rootfs.digest));
      this.#coming.set(rootfs.digest, coming);
      await Promise.race([coming, abortedBy(signal)]);
    }
    this.touch(rootfs.digest);
    return root;
  }

  /** A workspace runs with it. */
  touch(digest: string): void {
    const used = join(this.#placeOf(digest), USED);
    if (existsSync(used)) utimesSync(used, new Date(), new Date());
  }

  /** Removes what nobody has started with for 30 days, and halves of earlier runners. @param inUse digests that run now */
  async sweep(now: number, inUse: ReadonlySet<string>): Promise<void> {
    if (!existsSync(this.#folder)) return;
    for (const name of readdirSync(this.#folder)) {
      const place = join(this.#folder, name);
      const isWhole = /^[0-9a-f]{64}$/.test(name);
      const digest = `sha256:${name.slice(0, 64)}`;
      if (inUse.has(digest) || this.#coming.has(digest)) continue;
      const usedAt = isWhole && existsSync(join(place, USED)) ? statSync(join(place, USED)).mtimeMs : 0;
      if (now - usedAt > UNUSED_FOR_MS) await removeTree(place);
    }
  }

  #placeOf(digest: string): string {
    return join(this.#folder, digest.slice('sha256:'.length));
  }

  async #make(rootfs: TemplateRootfs, place: string, progress: Progress): Promise<string> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o711 });
    const [archive, fresh] = [`${place}.download`, `${place}.new`];
    try {
      await removeTree(fresh);
      await fetchArchive(rootfs, archive, (part) => progress('loading', part));
      progress('unpacking', 0);
      await mkdir(join(fresh, ROOT), { recursive: true, mode: 0o755 });
      await this.#unpack(archive, fresh);
      checkSystem(join(fresh, ROOT));
      writeFileSync(join(fresh, USED), rootfs.source);
      for (const folder of [fresh, join(fresh, ROOT)]) await chmod(folder, 0o755);
      await rename(fresh, place);
      return place;
    } catch (error) {
      await removeTree(fresh).catch(() => undefined);
      throw error;
    } finally {
      await rm(archive, { force: true });
    }
  }

  async #unpack(archive: string, fresh: string): Promise<void> {
    const budget = { ...BUDGET };
    const root = join(fresh, ROOT);
    await unpack(archive, root, budget, false);
    if (!isImageLayout(root)) return;
    const layout = join(fresh, 'layout');
    await rename(root, layout);
    await mkdir(root, { mode: 0o755 });
    for (const layer of await layersOf(layout)) await unpack(layer, root, budget, true);
    await removeTree(layout);
  }
}

/** Never resolves. */
const abortedBy = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(new Error('cancelled'));
    signal.addEventListener('abort', () => reject(new Error('cancelled')), { once: true });
  });

/** @throws UnsafeEntry when it is no system that a workspace could run in */
function checkSystem(root: string): void {
  const isThere = (path: string) => {
    try {
      lstatSync(join(root, path));
      return true;
    } catch {
      return false;
    }
  };
  if (!isThere('usr')) throw new UnsafeEntry('The root file system has no /usr');
  if (!isThere('bin/bash') && !isThere('usr/bin/bash'))
    throw new UnsafeEntry('The root file system has no /bin/bash, which workspaces need');
}
