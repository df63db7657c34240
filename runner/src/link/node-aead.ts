import { KEY_BYTES, type MakeAead, TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import type { Bytes } from '@gatehouse/core/protocol/bytes.ts';
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { Ahead } from './ahead.ts';

const ALGORITHM = `aes-${KEY_BYTES * 8}-gcm` as const;
const OPTIONS = { authTagLength: TAG_BYTES };

/** AES-256-GCM by node:crypto: at once, where WebCrypto would make every keystroke wait for a thread. */
export const nodeAead: MakeAead = (key) => {
  const secret = createSecretKey(key);
  // Whoever seals by a key opens nothing by it, so only one of the two is ever made.
  const ciphers = new Ahead((nonce: Bytes) => createCipheriv(ALGORITHM, secret, nonce, OPTIONS));
  const deciphers = new Ahead((nonce: Bytes) => createDecipheriv(ALGORITHM, secret, nonce, OPTIONS));
  return {
    seal(nonce, additional, plain, into) {
      const cipher = ciphers.take(nonce).setAAD(additional);
      into.set(cipher.update(plain));
      cipher.final();
      into.set(cipher.getAuthTag(), plain.byteLength);
    },
    open(nonce, additional, sealed) {
      const end = Math.max(0, sealed.byteLength - TAG_BYTES);
      const decipher = deciphers.take(nonce).setAAD(additional).setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(0, end));
      decipher.final();
      return plain;
    },
  };
};
