import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { DeriveRequest } from '../platform/objects.ts';
import { ComposedObject } from '../platform/durable.ts';

/** At a quarter of a second each, the last of them waits about four seconds. */
const MAX_WAITING = 16;
const KEY_BYTES = 32;

/** One lane of password hashing: whatever arrives at once is done one after the other. */
export abstract class HasherShell extends ComposedObject {
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @returns 32 bytes; null when too many wait already */
  async derive(request: DeriveRequest): Promise<Uint8Array | null> {
    if (this.#waiting >= MAX_WAITING) return null;
    this.#waiting++;
    const mine = this.#last.then(() => derive(request));
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }
}

const asyncScrypt = promisify<string, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Uint8Array>(scrypt);

async function derive({ password, salt, ln, r, p }: DeriveRequest): Promise<Uint8Array> {
  const N = 2 ** ln;
  // Node refuses what needs more than 32 MiB unless told; scrypt needs 128·N·r and a little.
  const key = await asyncScrypt(password, salt, KEY_BYTES, { N, r, p, maxmem: 256 * N * r });
  return new Uint8Array(key);
}
