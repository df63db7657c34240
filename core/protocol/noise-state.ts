import { type Aead, KEY_BYTES, nonceOf, TAG_BYTES } from './aead.ts';
import { type Bytes, concat } from './bytes.ts';
import type { CryptoKey } from './crypto-key.ts';
import { webAead } from './web-aead.ts';

const HASH_BYTES = 32;
const NOTHING = new Uint8Array(0);
/** Each key of a handshake seals one message, so its count never leaves 0. */
const FIRST = nonceOf(0n);

async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  const secret = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign({ name: 'HMAC' }, secret, data));
}

/** HKDF of Noise §4.3 with two outputs. By HMAC, since not every platform imports the empty key that `split` gives to HKDF. */
async function hkdf(chainingKey: Bytes, input: Bytes): Promise<[Bytes, Bytes]> {
  const secret = await hmac(chainingKey, input);
  const first = await hmac(secret, Uint8Array.of(1));
  return [first, await hmac(secret, concat(first, Uint8Array.of(2)))];
}

/** The SymmetricState of Noise §5.2 with AESGCM and SHA256. */
export class SymmetricState {
  #hash: Bytes;
  #chainingKey: Bytes;
  #cipher: Aead | null = null;

  /** @param protocol its Noise name, at most 32 letters: only longer ones are hashed */
  constructor(protocol: string) {
    this.#hash = new Uint8Array(HASH_BYTES);
    this.#hash.set(new TextEncoder().encode(protocol));
    this.#chainingKey = this.#hash;
  }

  /** What both ends have said so far; after the last message, the handshake hash. */
  get hash(): Bytes {
    return this.#hash;
  }

  async mixHash(data: Uint8Array): Promise<void> {
    this.#hash = new Uint8Array(await crypto.subtle.digest('SHA-256', concat(this.#hash, data)));
  }

  async mixKey(secret: Bytes): Promise<void> {
    const [chainingKey, key] = await hkdf(this.#chainingKey, secret);
    this.#chainingKey = chainingKey;
    this.#cipher = await webAead(key);
  }

  async encryptAndHash(plain: Uint8Array): Promise<Bytes> {
    const sealed = new Uint8Array(plain.byteLength + TAG_BYTES);
    await this.#takeCipher().seal(FIRST, this.#hash, plain, sealed);
    await this.mixHash(sealed);
    return sealed;
  }

  /** Rejects unless the other end sealed exactly this, having heard and said the same. */
  async decryptAndHash(sealed: Uint8Array): Promise<Uint8Array> {
    const plain = await this.#takeCipher().open(FIRST, this.#hash, sealed);
    await this.mixHash(sealed);
    return plain;
  }

  /** The keys of both directions, the initiator's first. */
  async split(): Promise<[Bytes, Bytes]> {
    return hkdf(this.#chainingKey, NOTHING);
  }

  /** A key is used once: a second use would repeat its nonce. */
  #takeCipher(): Aead {
    const cipher = this.#cipher;
    if (cipher === null) throw new Error('No key was mixed in since the last message');
    this.#cipher = null;
    return cipher;
  }
}

/** A pair of X25519. */
export interface KeyPair {
  privateKey: CryptoKey;
  /** raw, 32 bytes */
  publicKey: Bytes;
}

export async function generateKeyPair(): Promise<KeyPair> {
  const pair = await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']);
  return { privateKey: pair.privateKey, publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)) };
}

/** The shared secret. Rejects one of zeros alone: a key of small order makes it, and then it is nobody's secret (RFC 7748 §6.1). */
export async function agree(privateKey: CryptoKey, publicKey: Bytes): Promise<Bytes> {
  const theirs = await crypto.subtle.importKey('raw', publicKey, { name: 'X25519' }, false, []);
  const secret = new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: theirs }, privateKey, KEY_BYTES * 8));
  if (secret.every((byte) => byte === 0)) throw new Error('The shared secret is zero');
  return secret;
}
