import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { ManifestEntry } from '@gatehouse/core/protocol/snapshot.ts';
import { messageOf } from '../failure.ts';
import { removeTree } from '../supervisor/remove-tree.ts';
import { ByteSource } from './entry.ts';
import { healHome, putInPlace, restoringIn } from './place.ts';
import { RemoteRefused, type Remote } from './remote.ts';
import type { SnapshotKeys } from './sealing.ts';
import { writeHome } from './write-home.ts';

/** Chunks that are on their way while one is written. */
const AHEAD = 3;

export interface RestorePlan {
  id: string;
  /** of the workspace */
  folder: string;
  keys: SnapshotKeys;
  remote: Pick<Remote, 'manifest' | 'chunk'>;
  signal: AbortSignal;
  now: number;
  /** 0 to 100 */
  progress(percent: number): void;
}

/**
 * Makes the home anew from a snapshot, beside the one that is there, and puts it in its place once it is whole and on disk.
 * @throws Error that names what is damaged or missing; the home is as it was then
 */
export async function restoreHome(plan: RestorePlan): Promise<ManifestEntry[]> {
  const { id, folder, keys, remote, signal } = plan;
  healHome(folder);
  const restoring = restoringIn(folder);
  if (existsSync(restoring)) await removeTree(restoring);
  const manifest = await remote
    .manifest(id, signal)
    .then((sealed) => keys.openManifest(id, sealed))
    .catch((error: unknown) => {
      throw new Error(`The list of the snapshot ${wrong(error)}`);
    });
  await requireRoom(folder, manifest);
  try {
    await writeHome(new ByteSource(contentOf(plan, manifest)), restoring, signal);
    await putInPlace(folder, plan.now);
  } catch (error) {
    await removeTree(restoring);
    healHome(folder);
    throw error;
  }
  return manifest;
}

const wrong = (error: unknown) =>
  error instanceof RemoteRefused && error.status === 404 ? 'is not in the store any more' : `can’t be used: ${messageOf(error)}`;

async function requireRoom(folder: string, manifest: readonly ManifestEntry[]): Promise<void> {
  const wanted = manifest.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await statfs(folder);
  if (wanted > bavail * bsize) throw new Error(`There is no room: the snapshot takes ${wanted} bytes, and ${bavail * bsize} are free`);
}

/** The content of the chunks in their order, a few of them fetched ahead. */
async function* contentOf(plan: RestorePlan, manifest: readonly ManifestEntry[]): AsyncGenerator<Buffer> {
  const coming: Promise<Buffer>[] = [];
  const fetchNext = (index: number) => {
    const entry = manifest[index];
    if (entry === undefined) return;
    const chunk = fetchChunk(plan, entry, `Chunk ${index + 1} of ${manifest.length}`);
    // Whoever takes it hears of it; nobody may be there any more when an earlier one has failed.
    chunk.catch(() => undefined);
    coming.push(chunk);
  };
  for (let index = 0; index < AHEAD; index++) fetchNext(index);
  let told = 0;
  for (let index = 0; index < manifest.length; index++) {
    fetchNext(index + AHEAD);
    const chunk = await coming.shift();
    if (chunk !== undefined) yield chunk;
    const percent = Math.floor(((index + 1) / manifest.length) * 100);
    if (percent >= told + 5) plan.progress((told = percent));
  }
}

async function fetchChunk({ id, keys, remote, signal }: RestorePlan, entry: ManifestEntry, name: string): Promise<Buffer> {
  const chunk = Buffer.from(entry.id).toString('base64url');
  try {
    const content = await keys.openChunk(chunk, await remote.chunk(id, chunk, signal));
    if (content.byteLength !== entry.bytes) throw new Error('it has another length');
    return content;
  } catch (error) {
    throw new Error(`${name} (${chunk.slice(0, 12)}…) ${wrong(error)}`, { cause: error });
  }
}
