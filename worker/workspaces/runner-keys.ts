import { createHash, createPublicKey, verify } from 'node:crypto';
import { SignJWT, importJWK } from 'jose';
import { challengeText, GRANT_TYPE, type ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { NETWORK_TYPE, POLICY_TYPE, type RunnerNetwork, type RunnerOpens } from '@gatehouse/core/protocol/runner-policy.ts';
import type { Services } from '../platform/context.ts';
import { fromBase64url } from '../platform/encoding.ts';

/** Seconds that a viewer grant is valid. */
const GRANT_SECONDS = 60;

/** `SHA256:` and the hex of SHA-256 over both raw public keys, identity first. */
export function runnerFingerprint(identityKey: string, agreementKey: string): string {
  return `SHA256:${createHash('sha256').update(fromBase64url(identityKey)).update(fromBase64url(agreementKey)).digest('hex')}`;
}

/** Whether the signature over the challenge is by the runner's Ed25519 identity key. Synchronous: object handlers must not interleave. */
export const provesIdentity = (identityKey: string, nonce: string, path: string, signature: string): boolean =>
  signedBy(identityKey, challengeText(nonce, path), signature);

/** Whether the text was signed by that Ed25519 key. */
export function signedBy(identityKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: identityKey }, format: 'jwk' });
    return verify(null, new TextEncoder().encode(text), key, fromBase64url(signature));
  } catch {
    return false;
  }
}

/** Public half of the key that signs viewer grants, for runners to keep. */
export function grantKeys(services: Services): Array<Record<string, unknown>> {
  const { kty, crv, x, kid } = services.settings.GRANT_KEY;
  return [{ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }];
}

export interface GrantFacts {
  runnerId: string;
  user: { id: string; name: string };
  connection: { id: string; workspaceId: string; access: ViewerAccess; keyThumbprint: string };
}

/** EdDSA JWT (claims: viewerGrant) by which the runner knows, without the broker's word, who connects, how, and with which key. */
export async function signGrant(services: Services, { runnerId, user, connection }: GrantFacts): Promise<string> {
  const key = await importJWK(services.settings.GRANT_KEY, 'EdDSA');
  const now = Math.floor(services.now().getTime() / 1000);
  const { workspaceId: workspace, access, keyThumbprint: jkt } = connection;
  return new SignJWT({ workspace, name: user.name, access, cnf: { jkt } })
    .setProtectedHeader({ alg: 'EdDSA', typ: GRANT_TYPE, kid: services.settings.GRANT_KEY.kid })
    .setIssuer(services.settings.ORIGIN)
    .setAudience(runnerId)
    .setSubject(user.id)
    .setJti(connection.id)
    .setIssuedAt(now)
    .setExpirationTime(now + GRANT_SECONDS)
    .sign(key);
}

interface RunnerPlace {
  runnerId: string;
  workspaceId: string;
}
type Signing = Pick<Services, 'settings' | 'now'>;

/** EdDSA JWT (claims: runnerPolicyClaims) of what the runner must enforce in that workspace; the newest counts. */
export const signRunnerPolicy = (services: Signing, place: RunnerPlace, policy: object, opens: RunnerOpens | null): Promise<string> =>
  signFor(services, place, POLICY_TYPE, opens === null ? { policy } : { policy, opens });

/** EdDSA JWT (claims: runnerNetworkClaims) of what that workspace may reach. */
export const signRunnerNetwork = (services: Signing, place: RunnerPlace, network: RunnerNetwork): Promise<string> =>
  signFor(services, place, NETWORK_TYPE, { network });

async function signFor(
  { settings, now }: Signing,
  { runnerId, workspaceId }: RunnerPlace,
  typ: string,
  claims: Record<string, unknown>,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ, kid: settings.GRANT_KEY.kid })
    .setIssuer(settings.ORIGIN)
    .setAudience(runnerId)
    .setSubject(workspaceId)
    .setIssuedAt(Math.floor(now().getTime() / 1000))
    .sign(await importJWK(settings.GRANT_KEY, 'EdDSA'));
}
