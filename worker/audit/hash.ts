import { createHash } from 'node:crypto';
import type { Frontier, Sha256 } from '@gatehouse/core/audit/merkle.ts';

const HASH_BYTES = 32;

/** Synchronous, so that an event, its leaf and the new head are one transaction without a wait in between. */
export const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/**
 * What the tree holds for an event: a hash that tells nothing about the event without its salt, so that
 * the salt and the event can be erased one day and every proof stays valid.
 */
export const saltedHash = (salt: Uint8Array, body: Uint8Array): Uint8Array => sha256(salt, body);

/** A frontier as the bytes of its hashes, and back. */
export const packHashes = (hashes: readonly Uint8Array[]): Uint8Array => {
  const packed = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, index) => packed.set(hash, index * HASH_BYTES));
  return packed;
};
export const unpackFrontier = (size: number, packed: Uint8Array): Frontier => ({
  size,
  hashes: Array.from({ length: packed.length / HASH_BYTES }, (_, index) => packed.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES)),
});

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const unhex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
