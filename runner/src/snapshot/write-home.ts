import { chmod, link, lutimes, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { readEntry, type ByteSource, type Entry } from './entry.ts';

const MOST_PIECE = 1024 * 1024;
/** A program that takes the rights of its file's owner is of no use in a home: only folders keep such bits. */
const FILE_MODE = 0o777;
const FOLDER_MODE = 0o3777;

/** Node takes seconds as a floating number and cuts it off at the microsecond: half of one more, and it is the right one. */
const secondsOf = (microseconds: bigint): number => (Number(microseconds) + 0.5) / 1_000_000;
const SLASH = 0x2f;

/** One step of a path, never one that leads elsewhere. @throws Error */
function childOf(folder: Buffer, name: Buffer): Buffer {
  const isStep = name.length > 0 && name.length <= 255 && !name.includes(SLASH) && !name.includes(0);
  if (!isStep || name.equals(Buffer.from('.')) || name.equals(Buffer.from('..'))) throw new Error('The snapshot holds a name that is none');
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

interface OpenFolder {
  path: Buffer;
  entry: Extract<Entry, { kind: 'folder' }>;
}

/**
 * Makes a home from its stream, in a folder that is not there yet and that nobody else writes to.
 * @throws Error when the stream is damaged, or of the file system; what was made so far stays
 */
export async function writeHome(source: ByteSource, home: string, signal: AbortSignal): Promise<void> {
  const open: OpenFolder[] = [];
  const shared: Buffer[] = [];
  do {
    signal.throwIfAborted();
    const entry = await readEntry(source);
    const folder = open.at(-1);
    if (entry.kind === 'end') {
      if (folder === undefined) throw new Error('The snapshot is out of order');
      await finish(folder);
      open.pop();
    } else if (entry.kind === 'folder') {
      const path = folder === undefined ? Buffer.from(home) : childOf(folder.path, entry.name);
      await mkdir(path, { mode: 0o700 });
      open.push({ path, entry });
    } else {
      if (folder === undefined) throw new Error('The snapshot is out of order');
      const path = childOf(folder.path, entry.name);
      await writeEntry(source, path, entry, shared, signal);
    }
  } while (open.length > 0);
  if (!(await source.isOver())) throw new Error('The snapshot goes on behind its end');
}

/** Rights and time come last: a folder may be closed to its owner, and every file in it changes its time. */
async function finish({ path, entry }: OpenFolder): Promise<void> {
  await chmod(path, entry.mode & FOLDER_MODE);
  await utimes(path, secondsOf(entry.time), secondsOf(entry.time));
}

async function writeEntry(
  source: ByteSource,
  path: Buffer,
  entry: Exclude<Entry, { kind: 'folder' | 'end' }>,
  shared: Buffer[],
  signal: AbortSignal,
): Promise<void> {
  switch (entry.kind) {
    case 'file':
      if (entry.isShared) shared.push(path);
      return writeFile(source, path, entry, signal);
    case 'link':
      await symlink(entry.target, path);
      return lutimes(path, secondsOf(entry.time), secondsOf(entry.time));
    case 'hard-link': {
      const file = shared[entry.file];
      if (file === undefined) throw new Error('The snapshot is out of order');
      return link(file, path);
    }
  }
}

async function writeFile(source: ByteSource, path: Buffer, entry: Extract<Entry, { kind: 'file' }>, signal: AbortSignal): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    for (let left = entry.size; left > 0;) {
      signal.throwIfAborted();
      const piece = await source.some(Math.min(left, MOST_PIECE));
      await handle.writeFile(piece);
      left -= piece.length;
    }
    await handle.chmod(entry.mode & FILE_MODE);
    await handle.utimes(secondsOf(entry.time), secondsOf(entry.time));
  } finally {
    await handle.close();
  }
}
