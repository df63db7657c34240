import { createHash } from 'node:crypto';
import { encodeManifest, MOST_CHUNKS, MOST_CLAIM, type ManifestEntry, type SnapshotCause } from '@gatehouse/core/protocol/snapshot.ts';
import { Chunker } from './chunker.ts';
import { HomeReader, type Reading } from './read-home.ts';
import type { Remote } from './remote.ts';
import type { SnapshotKeys } from './sealing.ts';

/** Content that waits to be sealed and sent; one chunk more may be held. */
const MOST_HELD = 8 * 1024 * 1024;
const AT_ONCE = 4;

/** A chunk that was taken for stored is not: what is remembered of the last snapshot is of no use. */
export class Forgotten extends Error {}

export interface SnapshotPlan {
  id: string;
  workspaceId: string;
  cause: SnapshotCause;
  home: string;
  ignore: readonly string[];
  keys: SnapshotKeys;
  remote: Remote;
  /** the last snapshot that this runner made or restored; its chunks are taken for stored. Null: none */
  last: { root: string; manifest: readonly ManifestEntry[] } | null;
  signal: AbortSignal;
  /** resolves when so many bytes more may be sent */
  pace(bytes: number): Promise<void>;
}

export interface Made {
  reading: Reading;
  manifest: ManifestEntry[];
  /** names the content of the home: the same for the same */
  root: string;
  /** sealed bytes that were sent */
  sent: number;
  /** content that was held in memory at once, at most */
  mostHeld: number;
}

const textOf = (id: Uint8Array) => Buffer.from(id).toString('base64url');
export const rootOf = (manifest: readonly ManifestEntry[]) => createHash('sha256').update(encodeManifest(manifest)).digest('base64url');

/**
 * Makes a snapshot and brings it to the service. Nothing is said to the service before there is something new: a home that is as
 * the last snapshot has it costs no request, unless somebody asked for it.
 * @returns null when nothing changed
 * @throws Forgotten, RemoteRefused, Error of the file system or the network
 */
export async function makeSnapshot(plan: SnapshotPlan): Promise<Made | null> {
  const upload = new Upload(plan);
  const chunker = new Chunker(plan.keys.gear);
  const reader = new HomeReader(
    async (bytes) => {
      for (const chunk of chunker.push(bytes)) await upload.add(chunk);
    },
    plan.ignore,
    plan.signal,
  );
  await reader.read(plan.home);
  const rest = chunker.end();
  if (rest !== null) await upload.add(rest);
  const root = rootOf(upload.manifest);
  if (plan.cause !== 'asked' && !upload.hasBegun && root === plan.last?.root) return null;
  await upload.finish();
  return { reading: reader.reading, manifest: upload.manifest, root, sent: upload.sent, mostHeld: upload.mostHeld };
}

class Upload {
  readonly #plan: SnapshotPlan;
  readonly #known: ReadonlySet<string>;
  readonly #seen = new Set<string>();
  #unclaimed: string[] = [];
  #held = new Map<string, Buffer>();
  #heldBytes = 0;
  hasBegun = false;
  readonly manifest: ManifestEntry[] = [];
  sent = 0;
  mostHeld = 0;

  constructor(plan: SnapshotPlan) {
    this.#plan = plan;
    this.#known = new Set((plan.last?.manifest ?? []).map(({ id }) => textOf(id)));
  }

  async add(chunk: Buffer): Promise<void> {
    if (this.manifest.length === MOST_CHUNKS) throw new Error('The home is too large for a snapshot');
    const raw = this.#plan.keys.idOf(chunk);
    const id = textOf(raw);
    this.manifest.push({ id: raw, bytes: chunk.byteLength });
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    this.#unclaimed.push(id);
    if (this.#known.has(id)) return;
    this.#held.set(id, chunk);
    this.#heldBytes += chunk.byteLength;
    this.mostHeld = Math.max(this.mostHeld, this.#heldBytes);
    if (this.#heldBytes >= MOST_HELD) await this.#flush();
  }

  async finish(): Promise<void> {
    const { id, keys, remote, signal } = this.#plan;
    await this.#flush();
    const sealed = keys.sealManifest(id, this.manifest);
    await remote.putManifest(id, sealed, signal);
    this.sent += sealed.byteLength;
  }

  /** Asks for what is there already, and sends the rest. */
  async #flush(): Promise<void> {
    const { id, workspaceId, cause, remote, signal } = this.#plan;
    if (!this.hasBegun) await remote.begin(id, { workspaceId, cause }, signal);
    this.hasBegun = true;
    for (let at = 0; at < this.#unclaimed.length; at += MOST_CLAIM) {
      const missing = await remote.claim(id, this.#unclaimed.slice(at, at + MOST_CLAIM), signal);
      for (let first = 0; first < missing.length; first += AT_ONCE) await this.#sendAll(missing.slice(first, first + AT_ONCE));
    }
    this.#unclaimed = [];
    this.#held = new Map();
    this.#heldBytes = 0;
  }

  /** Nothing is on its way any more when one fails. */
  async #sendAll(chunks: readonly string[]): Promise<void> {
    const sent = await Promise.allSettled(chunks.map((chunk) => this.#send(chunk)));
    for (const each of sent) if (each.status === 'rejected') throw each.reason;
  }

  async #send(chunk: string): Promise<void> {
    const { id, keys, remote, pace, signal } = this.#plan;
    const content = this.#held.get(chunk);
    if (content === undefined) throw new Forgotten();
    const sealed = await keys.sealChunk(chunk, content);
    await pace(sealed.byteLength);
    await remote.putChunk(id, chunk, sealed, signal);
    this.sent += sealed.byteLength;
  }
}
