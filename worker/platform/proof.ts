import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { browserKey } from '@gatehouse/core/protocol/connection.ts';
import { DPOP_HEADER, DPOP_SECONDS, DPOP_TYPE } from '@gatehouse/core/protocol/dpop.ts';
import { statement, type Statement, type TenantDb } from './tenant-db.ts';

/** A browser's proof that it holds its key (RFC 9449), as it came with a request. It counts once it is used up. */
export type Proof = { good: true; thumbprint: string; id: string; expiresAt: string } | { good: false; why: string };

const claims = z.object({ htm: z.string(), htu: z.string(), jti: z.string().min(16).max(128), iat: z.number().int() });
const refused = (why: string): Proof => ({ good: false, why });

/**
 * Reads the header `DPoP`. Made for this method and address, signed within the last minute by the key that it names.
 * @returns null when there is none
 */
export async function readProof(request: Request, origin: string, now: Date): Promise<Proof | null> {
  const text = request.headers.get(DPOP_HEADER);
  if (text === null) return null;
  if (text.length > 2048) return refused('it is too long');
  try {
    const { payload, protectedHeader } = await jwtVerify(text, EmbeddedJWK, { typ: DPOP_TYPE, algorithms: ['ES256'], currentDate: now });
    const said = claims.parse(payload);
    const key = browserKey.parse(protectedHeader.jwk);
    if (protectedHeader.jwk && 'd' in protectedHeader.jwk) return refused('it gives the private key away');
    if (said.htm !== request.method || said.htu !== `${origin}${new URL(request.url).pathname}`)
      return refused('it is for another request');
    if (Math.abs(now.getTime() / 1000 - said.iat) > DPOP_SECONDS)
      return refused('it was made at another time: look whether this device’s clock is right');
    const thumbprint = await calculateJwkThumbprint(key, 'sha256');
    const id = createHash('sha256').update(`${thumbprint} ${said.jti}`).digest('base64url');
    return { good: true, thumbprint, id, expiresAt: new Date((said.iat + 2 * DPOP_SECONDS) * 1000).toISOString() };
  } catch {
    return refused('it is not signed by the key that it names');
  }
}

/** Uses a proof up; a second time it violates `used_proofs.tenant_id, used_proofs.id`. */
export const useUp = (db: TenantDb, proof: Extract<Proof, { good: true }>): Statement =>
  statement('INSERT INTO used_proofs (tenant_id, id, expires_at) VALUES (?, ?, ?)', db.tenantId, proof.id, proof.expiresAt);

export const USED_TWICE = 'used_proofs.tenant_id, used_proofs.id';
