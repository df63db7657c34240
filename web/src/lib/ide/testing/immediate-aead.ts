import { KEY_BYTES, type MakeAead, TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import { createCipheriv, createDecipheriv } from 'node:crypto';

const ALGORITHM = `aes-${KEY_BYTES * 8}-gcm` as const;
const OPTIONS = { authTagLength: TAG_BYTES };

/** Real AES-256-GCM that answers at once, so that a test need not wait for what it shows. */
export const immediateAead: MakeAead = (bytes) => {
  // the caller wipes its own
  const key = bytes.slice();
  return {
    seal: (nonce, additional, plain, into) => {
      const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS).setAAD(additional);
      into.set(cipher.update(plain));
      cipher.final();
      into.set(cipher.getAuthTag(), plain.byteLength);
    },
    open: (nonce, additional, sealed) => {
      const end = Math.max(0, sealed.byteLength - TAG_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS).setAAD(additional).setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(0, end));
      decipher.final();
      return new Uint8Array(plain);
    },
  };
};
