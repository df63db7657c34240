import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { folderIn, partsOf, placeFor, UnsafeEntry } from './place.ts';

/** What an archive may hold at most, so that a small one can't fill the machine. */
export interface Budget {
  bytes: number;
  entries: number;
}

interface Entry extends AsyncIterable<unknown> {
  header: Header;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const [GZIP, ZSTD] = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
] as const;

/** Reads an archive, by its first bytes plain, gzip or zstd. */
async function archiveOf(path: string): Promise<Readable> {
  const file = await open(path, 'r');
  const first = new Uint8Array(4);
  await file.read(first, 0, 4, 0).finally(() => file.close());
  const source = createReadStream(path);
  const isA = (magic: readonly number[]) => magic.every((byte, index) => first[index] === byte);
  const through = isA(GZIP) ? createGunzip() : isA(ZSTD) ? createZstdDecompress() : null;
  if (through === null) return source;
  source.once('error', (error) => through.destroy(error));
  return source.pipe(through);
}

/** Nobody may write, everybody may read what its owner could share, and no program gains rights. */
const modeOf = (mode: number | undefined, isFolder: boolean) => ((mode ?? 0o644) & 0o555) | (isFolder ? 0o755 : 0o400);

async function writeEntry(root: string, entry: Entry, budget: Budget): Promise<void> {
  const { name, type, linkname } = entry.header;
  if (type === 'directory') {
    const place = await placeFor(root, name, true);
    if (place === null) return;
    await mkdir(place, { recursive: true });
    return chmod(place, modeOf(entry.header.mode, true));
  }
  // Device nodes, pipes and sockets: the sandbox has its own.
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'symlink' && type !== 'link') return;
  const place = await placeFor(root, name, false);
  if (place === null) throw new UnsafeEntry('The archive has a file in place of its root');
  if (type === 'symlink') return symlink(linkname ?? '', place);
  if (type === 'link') return linkInside(root, linkname ?? '', place);
  budget.bytes -= entry.header.size ?? 0;
  if (budget.bytes < 0) throw new UnsafeEntry('The archive holds more than a root file system may');
  await pipeline(entry, createWriteStream(place, { flags: 'wx', mode: 0o600 }));
  await chmod(place, modeOf(entry.header.mode, false));
}

/** A second name of a file that the archive has given before; never of a link, which would lead out. */
async function linkInside(root: string, target: string, place: string): Promise<void> {
  const parts = partsOf(target);
  const name = parts.pop() ?? '';
  const source = join(await folderIn(root, parts), name);
  const there = await lstat(source).catch(() => null);
  if (there?.isFile() !== true) throw new UnsafeEntry(`The archive links to ${target.slice(0, 100)}, which is no file in it`);
  await link(source, place);
}

/** Takes away what a layer says is gone. @returns whether the entry said so */
async function takeAway(root: string, name: string): Promise<boolean> {
  const file = basename(name);
  if (!file.startsWith(WHITEOUT)) return false;
  const folder = await folderIn(root, partsOf(dirname(name)));
  if (file === OPAQUE) {
    for (const each of await readdir(folder)) await rm(join(folder, each), { recursive: true, force: true });
    return true;
  }
  const gone = file.slice(WHITEOUT.length);
  if (gone === '' || gone === '.' || gone === '..') throw new UnsafeEntry(`The archive takes away "${gone}"`);
  await rm(join(folder, gone), { recursive: true, force: true });
  return true;
}

/**
 * Unpacks an archive below a folder that holds nothing else. @param isLayer whether it says what earlier ones lose
 * @throws UnsafeEntry; what was unpacked so far is there
 */
export async function unpack(path: string, root: string, budget: Budget, isLayer: boolean): Promise<void> {
  const source = await archiveOf(path);
  const entries = extract();
  source.once('error', (error) => entries.destroy(error));
  source.pipe(entries);
  try {
    for await (const entry of entries) {
      budget.entries -= 1;
      if (budget.entries < 0) throw new UnsafeEntry('The archive holds more files than a root file system may');
      if (!(isLayer && (await takeAway(root, entry.header.name)))) await writeEntry(root, entry, budget);
      entry.resume();
    }
  } finally {
    source.destroy();
    entries.destroy();
  }
}
