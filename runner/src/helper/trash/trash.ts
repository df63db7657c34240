import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, open, readFile, readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { TRASH_BYTES, TRASH_DAYS, TRASH_ITEMS, type TrashItem } from '@gatehouse/core/protocol/files.ts';
import { ServiceFailure } from '../../service-failure.ts';
import { sendBatches } from '../file-list.ts';
import { moveTo } from '../file-move.ts';
import { entryOf } from '../files.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { Window } from '../paced.ts';
import { placeOf } from '../paths.ts';
import { infoText, pathInside, readInfo } from './info.ts';
import { infoPlace, trashPlace, type TrashPlace } from './place.ts';
import { FolderSizes } from './sizes.ts';

const BATCH = 100;
/** names that are tried until one is free */
const MOST_TRIES = 1000;

/** Bounds of what is kept; a test has smaller ones. */
export interface TrashBounds {
  days: number;
  bytes: number;
  items: number;
}
const BOUNDS: TrashBounds = { days: TRASH_DAYS, bytes: TRASH_BYTES, items: TRASH_ITEMS };

/** Claims a name by its info, which must not be there yet: two that come at once get two. */
async function claim(place: TrashPlace, path: string, now: number): Promise<string> {
  const wanted = basename(path);
  for (let count = 1; count <= MOST_TRIES; count += 1) {
    const end = extname(wanted);
    const name = count === 1 ? wanted : `${wanted.slice(0, wanted.length - end.length)}.${count}${end}`;
    try {
      const info = await open(infoPlace(place, name), 'wx', 0o600);
      await info.writeFile(infoText({ path, deleted: now }));
      await info.close();
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new ServiceFailure('limit', 'The trash holds too much of that name: empty it first');
}

/** Looks after the bounds of the trash, one sweep at a time however much comes. */
export class TrashKeeper {
  readonly #place: TrashPlace;
  #fresh = new Set<string>();
  #sweeping = false;

  constructor(root: string) {
    this.#place = trashPlace(root);
  }

  /** It may take a while to weigh a large folder: nobody waits for that. */
  came(name: string): void {
    this.#fresh.add(name);
    if (!this.#sweeping) void this.#sweep();
  }

  async #sweep(): Promise<void> {
    this.#sweeping = true;
    while (this.#fresh.size > 0) {
      const kept = this.#fresh;
      this.#fresh = new Set();
      await sweep(this.#place, BOUNDS, kept).catch(() => undefined);
    }
    this.#sweeping = false;
  }
}

/** Moves a file or folder into the trash; what lies there already goes for good. */
export async function putInTrash(root: string, path: string, keeper: TrashKeeper): Promise<object> {
  const [source, place, now] = [placeOf(root, path), trashPlace(root), Date.now()];
  if (source === root) throw new ServiceFailure('refused', 'The root of the workspace is deleted with the workspace only');
  await lstat(source);
  await mkdir(place.files, { recursive: true, mode: 0o700 });
  await mkdir(place.info, { recursive: true, mode: 0o700 });
  const [real, trash] = [join(await realpath(dirname(source)), basename(source)), await realpath(place.folder)];
  if (`${trash}/`.startsWith(`${real}/`)) throw new ServiceFailure('refused', 'The trash itself lies in there');
  if (real.startsWith(`${trash}/`)) {
    await rm(source, { recursive: true });
    return { ok: true, name: null };
  }
  const name = await claim(place, source, now);
  try {
    await moveTo(source, join(place.files, name));
  } catch (error) {
    await rm(infoPlace(place, name), { force: true });
    throw error;
  }
  keeper.came(name);
  return { ok: true, name };
}

interface Found extends TrashItem {
  stats: BigIntStats;
}

async function look(place: TrashPlace, name: string, sizes: FolderSizes): Promise<Found[]> {
  try {
    const stats = await lstat(join(place.files, name), { bigint: true });
    const infoStats = await stat(infoPlace(place, name)).catch(() => null);
    const info = infoStats === null ? null : readInfo(await readFile(infoPlace(place, name), 'utf8'));
    const { kind, modified } = entryOf(name, stats);
    const size = await sizes.of(name, stats, infoStats?.mtimeMs ?? 0);
    const path = info === null ? null : pathInside(place.root, info.path);
    return [{ name, path, kind, size, deleted: info?.deleted || modified, stats }];
  } catch {
    return [];
  }
}

/** All that is in the trash, the newest first. */
async function itemsIn(place: TrashPlace): Promise<Found[]> {
  const names = await readdir(place.files).catch(() => []);
  const sizes = await FolderSizes.read(place);
  const items: Found[] = [];
  for (const name of names) items.push(...(await look(place, name, sizes)));
  await sizes.keep(names).catch(() => undefined);
  return items.sort((a, b) => b.deleted - a.deleted || (a.name < b.name ? -1 : 1));
}

async function forget(place: TrashPlace, name: string): Promise<void> {
  await rm(join(place.files, name), { recursive: true, force: true });
  await rm(infoPlace(place, name), { force: true });
}

/** Lets go of what is too old, and of the oldest while it is too much; never of what was just put there. */
export async function sweep(place: TrashPlace, bounds: TrashBounds, kept: ReadonlySet<string>, now = Date.now()): Promise<void> {
  const items = await itemsIn(place);
  const oldest = now - bounds.days * 86_400_000;
  const fresh = items.filter(({ name }) => kept.has(name));
  let weight = fresh.reduce((sum, { size }) => sum + size, 0);
  let count = fresh.length;
  for (const { name, deleted, size } of items) {
    if (kept.has(name)) continue;
    const stays = deleted >= oldest && weight + size <= bounds.bytes && count < bounds.items;
    if (!stays) await forget(place, name);
    weight += stays ? size : 0;
    count += stays ? 1 : 0;
  }
}

export function listTrash(root: string, stream: Stream): StreamEvents {
  const window = new Window();
  const run = async () => {
    const place = trashPlace(root);
    await sweep(place, BOUNDS, new Set());
    const items = (await itemsIn(place)).map(({ name, path, kind, size, deleted }): TrashItem => ({ name, path, kind, size, deleted }));
    stream.head({ ok: true });
    const batches = Array.from({ length: Math.ceil(items.length / BATCH) }, (_, index) => items.slice(index * BATCH, (index + 1) * BATCH));
    await sendBatches(stream, window, batches);
  };
  run().catch((error: unknown) => stream.fail(error));
  return { ack: (offset) => window.taken(offset), reset: () => window.cancel() };
}

/** Back to where it was, with the folders on the way, if nothing else has come there. */
export async function restoreFromTrash(root: string, name: string): Promise<object> {
  const place = trashPlace(root);
  await lstat(join(place.files, name));
  const info = readInfo(await readFile(infoPlace(place, name), 'utf8').catch(() => ''));
  const path = info === null ? null : pathInside(root, info.path);
  if (path === null) throw new ServiceFailure('refused', 'It did not come from the files of this workspace: move it in a terminal');
  const target = placeOf(root, path);
  if ((await lstat(target).catch(() => null)) !== null) throw new ServiceFailure('exists', `Something else is at ${path} now`);
  await mkdir(dirname(target), { recursive: true });
  await moveTo(join(place.files, name), target);
  await rm(infoPlace(place, name), { force: true });
  return { ok: true, path };
}

/** @param name null: all of it */
export async function deleteFromTrash(root: string, name: string | null): Promise<object> {
  const place = trashPlace(root);
  if (name !== null) {
    await lstat(join(place.files, name));
    await forget(place, name);
    return { ok: true };
  }
  for (const folder of [place.files, place.info])
    for (const each of await readdir(folder).catch(() => [])) await rm(join(folder, each), { recursive: true, force: true });
  await rm(place.sizes, { force: true });
  return { ok: true };
}
