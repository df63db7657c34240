import type { BigIntStats } from 'node:fs';
import { lstat, opendir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrashPlace } from './place.ts';

/** Sizes of folders in the trash, which its `directorysizes` remembers while a folder's info is unchanged. */
export class FolderSizes {
  readonly #place: TrashPlace;
  readonly #known = new Map<string, { size: number; since: number }>();
  #changed = false;

  private constructor(place: TrashPlace) {
    this.#place = place;
  }

  static async read(place: TrashPlace): Promise<FolderSizes> {
    const sizes = new FolderSizes(place);
    const text = await readFile(place.sizes, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const [, size, since, name] = line.match(/^(\d{1,15}) (\d{1,15}) (\S+)$/) ?? [];
      if (name !== undefined) sizes.#known.set(name, { size: Number(size), since: Number(since) });
    }
    return sizes;
  }

  async of(name: string, stats: BigIntStats, infoSince: number): Promise<number> {
    if (!stats.isDirectory()) return Number(stats.size);
    const [key, since] = [encodeURIComponent(name), Math.floor(infoSince / 1000)];
    const known = this.#known.get(key);
    if (known?.since === since) return known.size;
    const size = await weigh(join(this.#place.files, name));
    this.#known.set(key, { size, since });
    this.#changed = true;
    return size;
  }

  /** @param names that are still there */
  async keep(names: readonly string[]): Promise<void> {
    const there = new Set(names.map(encodeURIComponent));
    const lines = [...this.#known].filter(([key]) => there.has(key)).map(([key, { size, since }]) => `${size} ${since} ${key}\n`);
    if (!this.#changed && lines.length === this.#known.size) return;
    await writeFile(`${this.#place.sizes}.new`, lines.join(''));
    await rename(`${this.#place.sizes}.new`, this.#place.sizes);
  }
}

/** Bytes of all that is in a folder. */
async function weigh(folder: string): Promise<number> {
  let total = 0;
  for await (const item of await opendir(folder).catch(() => [])) {
    const place = join(folder, item.name);
    if (item.isDirectory()) total += await weigh(place);
    else total += (await lstat(place).catch(() => null))?.size ?? 0;
  }
  return total;
}
