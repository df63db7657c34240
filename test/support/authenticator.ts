import type { Assertion, Registration } from '@gatehouse/core/api/factors.ts';
import { ORIGIN } from './tenants.ts';

/** A software authenticator (WebAuthn 3, ES256, attestation `none`): it signs what a browser would have it sign, or what a test forges. */

const text = new TextEncoder();
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

const USER_PRESENT = 1;
const USER_VERIFIED = 4;
const SYNCED = 8;
const BACKED_UP = 16;
const NEW_CREDENTIAL = 64;

/** What a test changes of an answer that would be right. */
export interface Forgery {
  origin?: string;
  rpId?: string;
  userVerified?: boolean;
  counter?: number;
  type?: string;
  userHandle?: string;
}

export class Authenticator {
  readonly #keys: CryptoKeyPair;
  readonly id: string;
  /** what it was told at registration */
  userHandle = '';
  counter = 0;
  readonly #synced: boolean;

  private constructor(keys: CryptoKeyPair, synced: boolean) {
    this.#keys = keys;
    this.id = b64(crypto.getRandomValues(new Uint8Array(16)));
    this.#synced = synced;
  }

  /** @param options.synced as passkeys of a password manager are: they count no uses */
  static async make(options: { synced?: boolean } = {}): Promise<Authenticator> {
    const keys = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])) as CryptoKeyPair;
    return new Authenticator(keys, options.synced ?? false);
  }

  async register(options: { challenge: string; user: { id: string } }, forged: Forgery = {}): Promise<Registration> {
    this.userHandle = options.user.id;
    const credentialId = Buffer.from(this.id, 'base64url');
    const attested = concat(new Uint8Array(16), Uint8Array.of(0, credentialId.length), credentialId, await this.#coseKey());
    const authData = concat(await this.#data(forged, NEW_CREDENTIAL), attested);
    const attestationObject = cbor(
      new Map<string, Encodable>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    );
    const clientData = this.#clientData(options.challenge, 'webauthn.create', forged);
    return {
      ...{ id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {} },
      response: { clientDataJSON: b64(clientData), attestationObject: b64(attestationObject), transports: ['internal'] },
    };
  }

  async sign(options: { challenge: string }, forged: Forgery = {}): Promise<Assertion> {
    if (!this.#synced) this.counter++;
    const authData = await this.#data(forged, 0);
    const clientData = this.#clientData(options.challenge, 'webauthn.get', forged);
    const signed = new Uint8Array(concat(authData, await sha256(clientData)));
    const raw = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, this.#keys.privateKey, signed));
    return {
      ...{ id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {} },
      response: {
        ...{ clientDataJSON: b64(clientData), authenticatorData: b64(authData), signature: b64(der(raw)) },
        userHandle: forged.userHandle ?? this.userHandle,
      },
    };
  }

  #clientData(challenge: string, type: string, forged: Forgery): Uint8Array {
    return text.encode(JSON.stringify({ type: forged.type ?? type, challenge, origin: forged.origin ?? ORIGIN, crossOrigin: false }));
  }

  async #data(forged: Forgery, more: number): Promise<Uint8Array> {
    const verified = forged.userVerified === false ? 0 : USER_VERIFIED;
    const flags = USER_PRESENT | verified | (this.#synced ? SYNCED | BACKED_UP : 0) | more;
    const counter = new Uint8Array(4);
    new DataView(counter.buffer).setUint32(0, forged.counter ?? this.counter);
    return concat(await sha256(text.encode(forged.rpId ?? new URL(ORIGIN).hostname)), Uint8Array.of(flags), counter);
  }

  /** The public key as COSE_Key (RFC 9053): EC2, ES256, P-256. */
  async #coseKey(): Promise<Uint8Array> {
    const { x = '', y = '' } = (await crypto.subtle.exportKey('jwk', this.#keys.publicKey)) as JsonWebKey;
    return cbor(
      new Map<number, Encodable>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ]),
    );
  }
}

type Encodable = number | string | Uint8Array | Map<never, Encodable> | Map<string, Encodable> | Map<number, Encodable>;

/** As much of CBOR (RFC 8949) as an authenticator speaks. */
function cbor(value: Encodable): Uint8Array {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === 'string') return concat(head(3, text.encode(value).length), text.encode(value));
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  const entries = [...(value as Map<string | number, Encodable>)];
  return concat(head(5, entries.length), ...entries.flatMap(([key, item]) => [cbor(key), cbor(item)]));
}

function head(kind: number, length: number): Uint8Array {
  if (length < 24) return Uint8Array.of((kind << 5) | length);
  if (length < 256) return Uint8Array.of((kind << 5) | 24, length);
  return Uint8Array.of((kind << 5) | 25, length >> 8, length & 255);
}

/** WebCrypto gives r and s side by side; WebAuthn wants them as DER. */
function der(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): Uint8Array => {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start++;
    const short = bytes.slice(start);
    const body = (short[0] ?? 0) > 127 ? concat(Uint8Array.of(0), short) : short;
    return concat(Uint8Array.of(2, body.length), body);
  };
  const body = concat(integer(raw.slice(0, 32)), integer(raw.slice(32)));
  return concat(Uint8Array.of(0x30, body.length), body);
}
