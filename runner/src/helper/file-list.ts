import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { LAST_BATCH, MOST_ENTRIES, batchLine } from '@gatehouse/core/protocol/files.ts';
import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { entryOf } from './files.ts';
import type { Stream, StreamEvents } from './host.ts';
import { Window } from './paced.ts';
import { placeOf } from './paths.ts';

/** entries that are sent together: they fit into the window, however long their names are */
const BATCH = 256;
const AT_ONCE = 64;

type Named = Pick<Dirent, 'name'> & Partial<Pick<Dirent, 'isDirectory'>>;

async function namesOf(folder: string): Promise<{ found: Dirent[]; truncated: boolean }> {
  const found: Dirent[] = [];
  for await (const item of await opendir(folder, { bufferSize: 1024 })) {
    if (found.length >= MOST_ENTRIES) return { found, truncated: true };
    found.push(item);
  }
  return { found, truncated: false };
}

/** Folders first, as trees show them: so the first batch is what is seen first. */
const inOrder = (a: Dirent, b: Dirent): number => Number(b.isDirectory()) - Number(a.isDirectory()) || (a.name < b.name ? -1 : 1);

const describe = async (folder: string, name: string): Promise<FileEntry[]> => {
  try {
    return [entryOf(name, await lstat(join(folder, name), { bigint: true }))];
  } catch {
    // gone between the listing and the look
    return [];
  }
};

async function describeAll(folder: string, names: readonly Named[]): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE)
    entries.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map(({ name }) => describe(folder, name)))).flat());
  return entries;
}

/** Sends the items in batches, never further ahead of the reader than the window. */
export async function sendBatches<T>(stream: Stream, window: Window, batches: AsyncIterable<T[]> | Iterable<T[]>): Promise<void> {
  let first = true;
  const send = async (text: string) => {
    await window.room();
    if (window.cancelled) return;
    const bytes = Buffer.from(text);
    window.sent(bytes.byteLength);
    stream.data(bytes);
  };
  for await (const items of batches) {
    if (window.cancelled) return;
    if (items.length === 0) continue;
    await send(batchLine(items, first));
    first = false;
  }
  await send(first ? '[]' : LAST_BATCH);
  if (!window.cancelled) stream.fin();
}

/** The entries of a folder, or those of some names; they come behind the head, because a long list fits into no frame. */
export function listFolder(root: string, { path, only }: { path: string; only?: string[] | undefined }, stream: Stream): StreamEvents {
  const window = new Window();
  const run = async () => {
    const folder = placeOf(root, path);
    const { found, truncated } = only === undefined ? await namesOf(folder) : { found: [], truncated: false };
    const wanted = (only ?? []).filter((name) => name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name));
    const names: Named[] = only === undefined ? found.sort(inOrder) : wanted.map((name) => ({ name }));
    stream.head({ ok: true, truncated });
    const batches = async function* () {
      for (let at = 0; at < names.length; at += BATCH) yield await describeAll(folder, names.slice(at, at + BATCH));
    };
    await sendBatches(stream, window, batches());
  };
  run().catch((error: unknown) => stream.fail(error));
  return { ack: (offset) => window.taken(offset), reset: () => window.cancel() };
}
