import { decode, encode } from 'jose/base64url';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { z } from 'zod';
import { type Bytes, concat } from './bytes.ts';
import type { CryptoKey } from './crypto-key.ts';

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url');

/** A browser key's public half as JWK (ECDSA on P-256); what else a browser exports with it is dropped. */
export const viewerKey = z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate });
export type ViewerKey = z.infer<typeof viewerKey>;

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SCHEME = { name: 'ECDSA', hash: 'SHA-256' };

/** SPEC E10. The first words keep the signature from passing for one of another purpose. */
const proofBytes = (hash: Uint8Array): Bytes => concat(new TextEncoder().encode('gatehouse-viewer-proof-v1\0'), hash);

/** Ties a browser key to one handshake: no other has this hash. @returns the signature in base64url */
export async function signViewerProof(key: CryptoKey, hash: Uint8Array): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.sign(SCHEME, key, proofBytes(hash))));
}

/** Whether that key signed that handshake; false also when key or signature are no such thing. */
export async function verifyViewerProof(key: ViewerKey, hash: Uint8Array, signature: string): Promise<boolean> {
  try {
    const { kty, crv, x, y } = key;
    const publicKey = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, CURVE, false, ['verify']);
    return await crypto.subtle.verify(SCHEME, publicKey, decode(signature).slice(), proofBytes(hash));
  } catch {
    return false;
  }
}

/** RFC 7638 with SHA-256, in base64url: names the key in the viewer grant. */
export const thumbprint = (key: ViewerKey): Promise<string> => calculateJwkThumbprint(key, 'sha256');
