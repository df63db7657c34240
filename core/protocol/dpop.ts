import { encode } from 'jose/base64url';
import type { BrowserKey } from './connection.ts';
import type { CryptoKey } from './crypto-key.ts';

/** RFC 9449: what shows, with one request, that a browser holds its key. */

export const DPOP_HEADER = 'DPoP';
export const DPOP_TYPE = 'dpop+jwt';
/** Seconds that the two clocks may differ, and that a proof can be used within. */
export const DPOP_SECONDS = 60;

/** @param request `url`: of the service's own origin, without query and fragment; `now`: milliseconds since the epoch */
export async function signDpop(
  key: { publicKey: BrowserKey; privateKey: CryptoKey },
  request: { method: string; url: string; now: number },
): Promise<string> {
  const head = { alg: 'ES256', typ: DPOP_TYPE, jwk: key.publicKey };
  const claims = { htm: request.method, htu: request.url, jti: crypto.randomUUID(), iat: Math.floor(request.now / 1000) };
  const text = `${encode(JSON.stringify(head))}.${encode(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, new TextEncoder().encode(text));
  return `${text}.${encode(new Uint8Array(signature))}`;
}
