import { createHash } from 'node:crypto';

/**
 * A list of passwords as its fingerprints: the first bytes of each one's hash, sorted, one behind the other. A password that
 * is not on it is taken for one of it once in 25 million times.
 */
const FINGERPRINT_BYTES = 5;

/** The same for all ways to write it in capitals and small letters. */
const fingerprintOf = (password: string): Buffer =>
  createHash('sha256').update(password.normalize('NFC').toLowerCase()).digest().subarray(0, FINGERPRINT_BYTES);

export function listOfPasswords(passwords: readonly string[]): Uint8Array {
  const sorted = passwords.map(fingerprintOf).sort((a, b) => Buffer.compare(a, b));
  return Buffer.concat(sorted.filter((each, at) => at === 0 || !each.equals(sorted[at - 1] ?? each)));
}

/** @param list as `listOfPasswords` made it */
export function isOnList(list: Uint8Array, password: string): boolean {
  const wanted = fingerprintOf(password);
  let [from, to] = [0, list.byteLength / FINGERPRINT_BYTES];
  while (from < to) {
    const middle = (from + to) >>> 1;
    const order = Buffer.compare(list.subarray(middle * FINGERPRINT_BYTES, (middle + 1) * FINGERPRINT_BYTES), wanted);
    if (order === 0) return true;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return false;
}
