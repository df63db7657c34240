import * as oauth from 'oauth4webapi';
import type { Services } from '../platform/context.ts';
import { base64url } from '../platform/encoding.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { secretAddress, type Connected, type ConnectionRow, type Metadata } from './connections.store.ts';
import { CLOCK_SECONDS, SIGNATURES } from './metadata.ts';

/** RS256: the one signature of clients that every provider takes. */
const KEY = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };

export interface PublicJwk {
  kty: 'RSA';
  n: string;
  e: string;
  kid: string;
  alg: 'RS256';
  use: 'sig';
}

/** A new private key, as JSON. */
export async function newClientKey(random: Services['random']): Promise<string> {
  const pair = (await crypto.subtle.generateKey(KEY, true, ['sign', 'verify'])) as CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey;
  const { kty, n, e, d, p, q, dp, dq, qi } = jwk;
  return JSON.stringify({ kty, n, e, d, p, q, dp, dq, qi, kid: base64url(random(12)) });
}

interface Keeping {
  services: Pick<Services, 'secrets'>;
  db: TenantDb;
}

/** What authenticates us, to be opened with whatever else is; null where there is nothing. */
export const sealedSecret = ({ id, oidc_secret }: ConnectionRow) =>
  oidc_secret === null ? null : { address: secretAddress(id), sealed: oidc_secret };

const openSecret = async ({ services, db }: Keeping, { id, oidc_secret }: ConnectionRow): Promise<string> =>
  oidc_secret === null ? '' : services.secrets.open(db, secretAddress(id), oidc_secret);

/** null where no key authenticates. */
export async function publicKeyOf(keeping: Keeping, row: ConnectionRow): Promise<PublicJwk | null> {
  if (row.oidc?.authentication !== 'key' || row.oidc_secret === null) return null;
  const { n, e, kid } = JSON.parse(await openSecret(keeping, row)) as PublicJwk;
  return { kty: 'RSA', n, e, kid, alg: 'RS256', use: 'sig' };
}

/** We, as the provider knows us. */
export const clientOf = ({ oidc }: Connected): oauth.Client => ({
  client_id: oidc.clientId,
  [oauth.clockTolerance]: CLOCK_SECONDS,
});

/** The provider as oauth4webapi takes it: with signatures only that count here. */
export const serverOf = ({ server }: Metadata): oauth.AuthorizationServer => ({
  ...(server as oauth.AuthorizationServer),
  id_token_signing_alg_values_supported: SIGNATURES,
});

/** @param secret as `sealedSecret` opens */
export async function authenticationOf(connection: Connected, { server }: Metadata, secret: string): Promise<oauth.ClientAuth> {
  if (connection.oidc.authentication === 'secret') {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return methods.includes('client_secret_basic') ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
  }
  const { kid, ...jwk } = JSON.parse(secret) as JsonWebKey & { kid: string };
  const key = await crypto.subtle.importKey('jwk', jwk, { name: KEY.name, hash: KEY.hash }, false, ['sign']);
  return oauth.PrivateKeyJwt({ key, kid });
}
