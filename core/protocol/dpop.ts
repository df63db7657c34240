import { SignJWT } from 'jose/jwt/sign';
import type { BrowserKey } from './connection.ts';
import type { CryptoKey } from './crypto-key.ts';

/** RFC 9449: what shows, with one request, that a browser holds its key. */

export const DPOP_HEADER = 'DPoP';
export const DPOP_TYPE = 'dpop+jwt';
/** Seconds that the two clocks may differ, and that a proof can be used within. */
export const DPOP_SECONDS = 60;

/** @param request `url`: of the service's own origin, without query and fragment; `now`: milliseconds since the epoch */
export function signDpop(
  key: { publicKey: BrowserKey; privateKey: CryptoKey },
  request: { method: string; url: string; now: number },
): Promise<string> {
  return new SignJWT({ htm: request.method, htu: request.url, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: DPOP_TYPE, jwk: { ...key.publicKey } })
    .setIssuedAt(Math.floor(request.now / 1000))
    .sign(key.privateKey);
}
