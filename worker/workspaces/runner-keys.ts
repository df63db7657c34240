import { createHash, createPublicKey, verify } from 'node:crypto';
import { SignJWT, importJWK } from 'jose';
import { challengeText, GRANT_TYPE } from '@gatehouse/core/protocol/connection.ts';
import type { Services } from '../platform/context.ts';
import { fromBase64url } from '../platform/encoding.ts';

/** Seconds that a viewer grant is valid. */
const GRANT_SECONDS = 60;

/** `SHA256:` and the hex of SHA-256 over both raw public keys, identity first. */
export function runnerFingerprint(identityKey: string, agreementKey: string): string {
  return `SHA256:${createHash('sha256').update(fromBase64url(identityKey)).update(fromBase64url(agreementKey)).digest('hex')}`;
}

/** Whether the signature over the challenge is by the runner's Ed25519 identity key. Synchronous: object handlers must not interleave. */
export function provesIdentity(identityKey: string, nonce: string, path: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: identityKey }, format: 'jwk' });
    return verify(null, new TextEncoder().encode(challengeText(nonce, path)), key, fromBase64url(signature));
  } catch {
    return false;
  }
}

/** Public half of the key that signs viewer grants, for runners to keep. */
export function grantKeys(services: Services): Array<Record<string, unknown>> {
  const { kty, crv, x, kid } = services.settings.GRANT_KEY;
  return [{ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }];
}

/** EdDSA JWT by which the runner knows, without the broker's word, who connects. */
export async function signGrant(
  services: Services,
  grant: { runnerId: string; userId: string; connectionId: string; workspaceId: string },
): Promise<string> {
  const key = await importJWK(services.settings.GRANT_KEY, 'EdDSA');
  const now = Math.floor(services.now().getTime() / 1000);
  return new SignJWT({ workspace: grant.workspaceId })
    .setProtectedHeader({ alg: 'EdDSA', typ: GRANT_TYPE, kid: services.settings.GRANT_KEY.kid })
    .setIssuer(services.settings.ORIGIN)
    .setAudience(grant.runnerId)
    .setSubject(grant.userId)
    .setJti(grant.connectionId)
    .setIssuedAt(now)
    .setExpirationTime(now + GRANT_SECONDS)
    .sign(key);
}
