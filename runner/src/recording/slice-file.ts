import {
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type CipherGCM,
  type Hash,
} from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import {
  encodeEvent,
  recordAddress,
  recordHead,
  recordNonce,
  SLICE_KEY_INFO,
  sliceHead,
  type SliceAddress,
  type TapeEvent,
} from '@gatehouse/core/protocol/recording.ts';
import { Ahead } from '../link/ahead.ts';

/** The key of one slice: whoever wrote it can't read it again once it is forgotten. @param publicKey base64url */
function makeSliceKey(publicKey: string): { ephemeral: Uint8Array; key: Uint8Array } {
  const recipient = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: publicKey }, format: 'jwk' });
  const pair = generateKeyPairSync('x25519');
  const ephemeral = Buffer.from(String(pair.publicKey.export({ format: 'jwk' }).x), 'base64url');
  const secret = diffieHellman({ privateKey: pair.privateKey, publicKey: recipient });
  const salt = Buffer.concat([ephemeral, Buffer.from(publicKey, 'base64url')]);
  return { ephemeral, key: new Uint8Array(hkdfSync('sha256', secret, salt, SLICE_KEY_INFO, 32)) };
}

/** A slice that is being written. What was appended survives the end of this process; a failed write leaves no trace. */
export class SliceFile {
  readonly #fd: number;
  readonly #ciphers: Ahead<CipherGCM>;
  readonly #address: SliceAddress;
  readonly #hash: Hash = createHash('sha256');
  #length = 0;
  #records = 0;

  /** @throws Error of the file system */
  constructor(path: string, options: { address: SliceAddress; publicKey: string; previous: Uint8Array | null }) {
    const { ephemeral, key } = makeSliceKey(options.publicKey);
    this.#ciphers = new Ahead((nonce) => createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }));
    this.#address = options.address;
    this.#fd = openSync(path, 'w', 0o600);
    try {
      this.#write(sliceHead(ephemeral, options.previous));
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get length(): number {
    return this.#length;
  }

  get isEmpty(): boolean {
    return this.#records === 0;
  }

  /** @param offset of the terminal's output behind this event. @throws Error of the file system */
  append(event: TapeEvent, offset: number): void {
    const index = this.#records;
    const cipher = this.#ciphers.take(recordNonce(index)).setAAD(recordAddress(this.#address, index, offset));
    const sealed = Buffer.concat([cipher.update(encodeEvent(event)), cipher.final(), cipher.getAuthTag()]);
    this.#write(Buffer.concat([recordHead(sealed.byteLength, offset), sealed]));
    this.#records++;
  }

  /** What a failed write left behind its last whole record is no part of it. @returns SHA-256 of the rest */
  close(): Uint8Array {
    closeSync(this.#fd);
    return this.#hash.digest();
  }

  #write(bytes: Uint8Array): void {
    const written = writeSync(this.#fd, bytes, 0, bytes.byteLength, this.#length);
    if (written < bytes.byteLength) throw new Error('no space left on the disk');
    this.#length += written;
    this.#hash.update(bytes);
  }
}
