import { type MakeAead, TAG_BYTES } from './aead.ts';
import type { Bytes } from './bytes.ts';

/** AES-256-GCM by WebCrypto, as browsers, Workers and Node have it. The key can't be read back. */
export const webAead: MakeAead = async (key) => {
  const secret = await crypto.subtle.importKey('raw', key, { name: 'AES-GCM' }, false, ['encrypt', 'decrypt']);
  const algorithm = (nonce: Bytes, additional: Bytes) => ({
    name: 'AES-GCM',
    iv: nonce,
    additionalData: additional,
    tagLength: TAG_BYTES * 8,
  });
  return {
    async seal(nonce, additional, plain, into) {
      into.set(new Uint8Array(await crypto.subtle.encrypt(algorithm(nonce, additional), secret, unshared(plain))));
    },
    async open(nonce, additional, sealed) {
      return new Uint8Array(await crypto.subtle.decrypt(algorithm(nonce, additional), secret, unshared(sealed)));
    },
  };
};

/** Frames lie in memory that a socket made, and no socket makes shared memory; WebCrypto itself refuses it. */
const unshared = (bytes: Uint8Array) => bytes as Bytes;
