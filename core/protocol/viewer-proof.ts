import { decode, encode } from 'jose/base64url';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { type Bytes, concat } from './bytes.ts';
import type { BrowserKey } from './connection.ts';
import type { CryptoKey } from './crypto-key.ts';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SCHEME = { name: 'ECDSA', hash: 'SHA-256' };

/** SPEC E10. The first words keep the signature from passing for one of another purpose. */
const proofBytes = (hash: Uint8Array): Bytes => concat(new TextEncoder().encode('gatehouse-viewer-proof-v1\0'), hash);

/** Ties a browser key to one handshake: no other has this hash. @returns the signature in base64url */
export async function signViewerProof(key: CryptoKey, hash: Uint8Array): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.sign(SCHEME, key, proofBytes(hash))));
}

/** Whether that key signed that handshake; false also when key or signature are no such thing. */
export async function verifyViewerProof(key: BrowserKey, hash: Uint8Array, signature: string): Promise<boolean> {
  try {
    const { kty, crv, x, y } = key;
    const publicKey = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, CURVE, false, ['verify']);
    return await crypto.subtle.verify(SCHEME, publicKey, decode(signature).slice(), proofBytes(hash));
  } catch {
    return false;
  }
}

/** RFC 7638 with SHA-256, in base64url: names the key in the viewer grant. */
export const thumbprint = (key: BrowserKey): Promise<string> => calculateJwkThumbprint(key, 'sha256');
