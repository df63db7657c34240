import { KEY_BYTES, type MakeAead, TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';

const ALGORITHM = `aes-${KEY_BYTES * 8}-gcm` as const;
const OPTIONS = { authTagLength: TAG_BYTES };

/** AES-256-GCM by node:crypto: at once, where WebCrypto would make every keystroke wait for a thread. */
export const nodeAead: MakeAead = (key) => {
  const secret = createSecretKey(key);
  return {
    seal(nonce, additional, plain, into) {
      const cipher = createCipheriv(ALGORITHM, secret, nonce, OPTIONS).setAAD(additional);
      into.set(cipher.update(plain));
      cipher.final();
      into.set(cipher.getAuthTag(), plain.byteLength);
    },
    open(nonce, additional, sealed) {
      const end = Math.max(0, sealed.byteLength - TAG_BYTES);
      const decipher = createDecipheriv(ALGORITHM, secret, nonce, OPTIONS).setAAD(additional).setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(0, end));
      decipher.final();
      return plain;
    },
  };
};
