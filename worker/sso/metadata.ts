import * as oauth from 'oauth4webapi';
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { Discovery } from '@gatehouse/core/api/sso.ts';
import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { keepMetadata, metadata, type Connected, type Metadata } from './connections.store.ts';
import { askProvider, ProviderFault } from './fetching.ts';

/** Signatures that a public key checks: what a shared secret signs could be signed by whoever knows the public key (or nothing at all). */
export const SIGNATURES = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const FRESH_HOURS = 24;
/** A key that is not known is looked for at most this often. */
const KEYS_SECONDS = 30;
/** Clocks of providers that are not quite right. */
export const CLOCK_SECONDS = 30;

type Asking = Pick<Services, 'settings' | 'now' | 'log'>;

/** How oauth4webapi asks: bounded, and plain http only where `askProvider` lets it through. */
export const requestOptions = (services: Pick<Services, 'settings'>) => ({
  [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, BodyInit | undefined>) =>
    askProvider(services, url, { method: init.method, headers: init.headers, body: init.body ?? null }),
  [oauth.allowInsecureRequests]: services.settings.ENVIRONMENT === 'local',
});

/** Asks the provider what it is. @throws ProviderFault, or oauth4webapi's own errors */
export async function discover(services: Asking, issuer: string): Promise<Metadata> {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm: 'oidc', ...requestOptions(services) });
  if (response.status === 404) throw new ProviderFault(`There is nothing at ${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const server = await oauth.processDiscoveryResponse(url, response);
  const now = services.now().toISOString();
  const found = metadata.omit({ jwks: true, keysAt: true }).safeParse({ server, fetchedAt: now });
  if (!found.success)
    throw new ProviderFault(`The provider’s description lacks ${found.error.issues.map(({ path }) => path.at(-1)).join(', ')}`);
  return { ...found.data, jwks: await fetchKeys(services, found.data.server.jwks_uri), keysAt: now };
}

async function fetchKeys(services: Asking, url: string): Promise<Metadata['jwks']> {
  const response = await askProvider(services, url, { headers: { Accept: 'application/json' } });
  const found = metadata.shape.jwks.safeParse(response.ok ? await response.json().catch(() => null) : null);
  if (!found.success) throw new ProviderFault(`There are no keys at ${url}`);
  // A secret has no place among public keys.
  return { keys: found.data.keys.filter(({ kty }) => kty !== 'oct') };
}

/** What the provider says of itself, from the copy while that is fresh. An old copy serves while the provider can't be reached. */
export async function metadataOf(services: Asking, db: TenantDb, connection: Connected): Promise<Metadata> {
  const kept = connection.oidc_metadata;
  const before = new Date(services.now().getTime() - FRESH_HOURS * 3_600_000).toISOString();
  if (kept && kept.fetchedAt > before) return kept;
  try {
    const found = await discover(services, connection.oidc.issuer);
    await db.batch([keepMetadata(db, connection.id, found)]);
    return found;
  } catch (error) {
    if (!kept) throw error;
    services.log('warn', 'a provider’s description is old', { provider: connection.id, error: String(error) });
    return kept;
  }
}

/**
 * The claims of a token that this provider signed for this client. A key that is not known is looked for once more.
 * @throws ProviderFault
 */
export async function verified(
  services: Asking,
  db: TenantDb,
  connection: Connected,
  known: Metadata,
  token: string,
  options: JWTVerifyOptions = {},
): Promise<JWTPayload> {
  const check = async ({ jwks, server }: Metadata): Promise<JWTPayload> => {
    const demands = { issuer: server.issuer, audience: connection.oidc.clientId, algorithms: SIGNATURES, clockTolerance: CLOCK_SECONDS };
    return (await jwtVerify(token, createLocalJWKSet(jwks), { ...demands, currentDate: services.now(), ...options })).payload;
  };
  try {
    return await check(known).catch(async (error: unknown) => {
      const old = Date.parse(known.keysAt) + KEYS_SECONDS * 1000 <= services.now().getTime();
      if (!(error instanceof errors.JWKSNoMatchingKey) || !old) throw error;
      const jwks = await fetchKeys(services, known.server.jwks_uri);
      const renewed = { ...known, jwks, keysAt: services.now().toISOString() };
      await db.batch([keepMetadata(db, connection.id, renewed)]);
      return check(renewed);
    });
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new ProviderFault(`The token is not good: ${error.message}`, { cause: error });
    throw error;
  }
}

export const shownMetadata = ({ server, jwks, fetchedAt }: Metadata): NonNullable<Discovery['discovered']> => ({
  ...{ issuer: server.issuer, authorizationEndpoint: server.authorization_endpoint, tokenEndpoint: server.token_endpoint },
  ...{ userinfoEndpoint: server.userinfo_endpoint ?? null, endSessionEndpoint: server.end_session_endpoint ?? null },
  ...{ keys: jwks.keys.length, scopes: server.scopes_supported, claims: server.claims_supported },
  ...{ acrValues: server.acr_values_supported, fetchedAt },
});
