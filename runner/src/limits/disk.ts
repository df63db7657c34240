import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../state/atomic-file.ts';

const MEBI = 1024 * 1024;
/** however long the last walk took, and at the latest */
const AGAIN_MS = { first: 10_000, last: 5 * 60_000 };
/** a walk may take this part of the time */
const WALKING_PART = 1 / 30;
/** a walk that takes longer is broken off, and what was known before counts */
const WITHIN_MS = 120_000;
/** how much the file system must have shrunk before a folder is measured again */
const LEAST_CHANGE = 16 * MEBI;

/** in the workspace's folder, where its programs do not see it */
const RECORD = 'disk-use';

function remembered(folder: string): number {
  try {
    return Number(readFileSync(join(folder, RECORD), 'utf8')) || 0;
  } catch {
    return 0;
  }
}

/**
 * `du` of a folder on its own file system, in bytes of blocks. Folders that their owner has closed are read too: by root
 * anyway, by others as the root of a user namespace of their own.
 */
function walk(folder: string): Promise<number | null> {
  const du = ['nice', '-n', '15', 'du', '-s', '-x', '-B1', '--', folder];
  const [file = '', ...args] = process.getuid?.() === 0 ? du : ['unshare', '--map-root-user', '--', ...du];
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: WITHIN_MS, killSignal: 'SIGKILL' });
    let text = '';
    child.stdout.on('data', (piece: Uint8Array) => (text = (text + Buffer.from(piece).toString()).slice(0, 4096)));
    child.once('error', () => resolve(null));
    child.once('close', () => {
      const bytes = /^(\d+)\t/.exec(text)?.[1];
      resolve(bytes === undefined ? null : Number(bytes));
    });
  });
}

/**
 * How large a workspace is on disk. No file system that is common tells it at once, so its folder is walked: when so much has been written to
 * the whole file system that its bound may be reached, and again after a while: the longer, the longer a walk takes.
 */
export class DiskUse {
  /** as measured last before this sandbox was watched; 0: never */
  readonly before: number;
  readonly #folder: string;
  readonly #most: number | null;
  #bytes: number | null = null;
  #freeThen = Infinity;
  #walkedAt = -Infinity;
  #againAfter = 0;
  #walking: Promise<void> | null = null;

  /** @param most bound in bytes */
  constructor(folder: string, most: number | null) {
    this.#folder = folder;
    this.before = remembered(folder);
    this.#most = most;
  }

  /** as last measured */
  get bytes(): number | null {
    return this.#bytes;
  }

  /** Measures again if that is due. @param now milliseconds */
  async look(now: number): Promise<void> {
    if (this.#walking !== null) return this.#walking;
    const { bavail, bsize } = await statfs(this.#folder);
    const free = bavail * bsize;
    const room = this.#most === null || this.#bytes === null ? Infinity : Math.max(0, this.#most - this.#bytes);
    const written = this.#freeThen - free;
    const isDue = now - this.#walkedAt >= this.#againAfter || (this.#most !== null && written >= Math.max(LEAST_CHANGE, room / 2));
    if (!isDue) return;
    this.#walking = this.#measure(now, free).finally(() => (this.#walking = null));
    await this.#walking;
  }

  async #measure(now: number, free: number): Promise<void> {
    [this.#walkedAt, this.#freeThen] = [now, free];
    const began = performance.now();
    this.#bytes = (await walk(this.#folder)) ?? this.#bytes;
    if (this.#bytes !== null) writeAtomically(join(this.#folder, RECORD), String(this.#bytes));
    const rest = Math.max(AGAIN_MS.first, (performance.now() - began) / WALKING_PART);
    this.#againAfter = this.#most === null ? AGAIN_MS.last : Math.min(rest, AGAIN_MS.last);
  }
}
