import * as oauth from 'oauth4webapi';
import type { ssoFinish } from '@gatehouse/core/api/sso.ts';
import { pathWithin } from '@gatehouse/core/sso/admission.ts';
import type { Claims } from '@gatehouse/core/sso/claims.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { z } from 'zod';
import type { Services } from '../platform/context.ts';
import { locateCredential, mintCredential } from '../platform/credential.ts';
import { hashSecret } from '../platform/encoding.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { redirectUri } from './addresses.ts';
import { authenticationOf, clientOf, sealedSecret, serverOf } from './client.ts';
import { connectionFrom, connectionOfFlow, type Connected } from './connections.store.ts';
import { ProviderFault } from './fetching.ts';
import { flowFrom, insertFlow, takeFlow, verifierAddress, type Flow, type Purpose } from './flows.store.ts';
import { metadataOf, requestOptions, verified } from './metadata.ts';

/** From the way there to the way back. */
export const FLOW_MINUTES = 10;

export interface Beginning {
  purpose: Purpose;
  returnTo: string;
  /** of the browser, which keeps it in a cookie */
  browser: string;
  sessionId?: string;
  /** whom the provider should ask for */
  hint?: string;
}

/** The provider's address to go to, for this browser alone. @throws AppError `unavailable`; what `metadataOf` throws */
export async function beginFlow(services: Services, db: TenantDb, connection: Connected, beginning: Beginning): Promise<string> {
  const { server } = await metadataOf(services, db, connection);
  const { text: state, hash: stateHash } = await mintCredential('ssoFlow', db, services.random);
  const [nonce, verifier] = [oauth.generateRandomNonce(), oauth.generateRandomCodeVerifier()];
  const now = services.now();
  const [written] = await db.batch([
    insertFlow(db, {
      ...{ stateHash, browserHash: await hashSecret(beginning.browser), provider_id: connection.id, purpose: beginning.purpose, nonce },
      ...{ session_id: beginning.sessionId ?? null, verifier: await services.secrets.seal(db, verifierAddress(stateHash), verifier) },
      ...{ return_to: pathWithin(beginning.returnTo), now: now.toISOString() },
      expiresAt: new Date(now.getTime() + FLOW_MINUTES * 60_000).toISOString(),
    }),
  ]);
  if (written?.changes === 0) throw new AppError('unavailable', 'Too many people are signing in at once', { retryAfter: 30 });
  const url = new URL(server.authorization_endpoint);
  const asked: Record<string, string> = {
    ...{ client_id: connection.oidc.clientId, redirect_uri: redirectUri(services.settings), response_type: 'code' },
    ...{ scope: connection.oidc.scopes.join(' '), state, nonce },
    ...{ code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
    ...(beginning.hint === undefined ? {} : { login_hint: beginning.hint }),
    ...(beginning.purpose === 'step-up' ? anew(connection) : {}),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return url.href;
}

/** A proof of this moment, and as strong as the organisation wants it. */
const anew = ({ oidc }: Connected): Record<string, string> => ({
  ...{ prompt: 'login', max_age: '0' },
  ...(oidc.stepUpAcr.length > 0 ? { acr_values: oidc.stepUpAcr.join(' ') } : {}),
});

export interface Taken {
  db: TenantDb;
  flow: Flow;
  connection: Connected;
  clientSecret: string;
  state: string;
}

/**
 * The flow that a state belongs to, used up. It stays where another browser shows its state.
 * @throws AppError `sso-failed`
 */
export async function takeBack(services: Services, state: string, browser: string | undefined): Promise<Taken> {
  const gone = () =>
    new AppError('sso-failed', 'This sign-in was begun in another browser, was finished already, or took too long. Begin again.');
  const located = await locateCredential(services, 'ssoFlow', state);
  if (!located || browser === undefined) throw gone();
  const { db, hash } = located;
  const [found, taken] = await db.batch([
    connectionOfFlow(db, hash),
    takeFlow(db, hash, await hashSecret(browser), services.now().toISOString()),
  ]);
  const [connection, flow] = [connectionFrom(found), flowFrom(taken)];
  if (!flow || !connection?.oidc) throw gone();
  const secret = sealedSecret(connection);
  const sealed = [{ address: verifierAddress(hash), sealed: flow.verifier }, ...(secret ? [secret] : [])];
  const [verifier = '', clientSecret = ''] = await services.secrets.openAll(db, sealed);
  return { db, flow: { ...flow, verifier }, connection: connection as Connected, clientSecret, state };
}

export interface Proved {
  claims: Claims;
  /** of the ID token alone, which decides who somebody is */
  issuer: string;
  subject: string;
  idToken: string;
  authTime: number | null;
  acr: string | null;
  sid: string | null;
  /** ISO */
  expiresAt: string;
}

/**
 * Turns the code into what the provider says of somebody, with everything checked: issuer of the answer, PKCE, signature, issuer,
 * audience, times, nonce; at a step-up when they proved it, too.
 * @throws ProviderFault, or oauth4webapi's own errors, which `faultOf` puts into words
 */
export async function redeem(
  services: Services,
  { db, flow, connection, clientSecret, state }: Taken,
  answer: z.infer<typeof ssoFinish>,
): Promise<Proved> {
  const known = await metadataOf(services, db, connection);
  const [server, client] = [serverOf(known), clientOf(connection)];
  const options = requestOptions(services);
  const code = oauth.validateAuthResponse(server, client, answerOf(answer), state);
  const authentication = await authenticationOf(connection, known, clientSecret);
  const redirect = redirectUri(services.settings);
  const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, code, redirect, flow.verifier, options);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    ...{ expectedNonce: flow.nonce, requireIdToken: true },
    ...(flow.purpose === 'step-up' ? { maxAge: secondsSince(flow.created_at, services.now()) } : {}),
  });
  const idToken = tokens.id_token;
  if (idToken === undefined) throw new ProviderFault('The provider gave no ID token');
  const claims = await verified(services, db, connection, known, idToken, { requiredClaims: ['sub', 'iat', 'exp'] });
  if (claims['nonce'] !== flow.nonce) throw new ProviderFault('The token was made for another sign-in');
  const { sub: subject = '', exp = 0, auth_time: authTime, acr, sid } = claims;
  const more = await userinfoOf(services, connection, server, tokens.access_token, subject, claims);
  return {
    claims: { ...more, ...claims },
    ...{ issuer: server.issuer, subject, idToken, expiresAt: new Date(exp * 1000).toISOString() },
    authTime: typeof authTime === 'number' ? authTime : null,
    acr: typeof acr === 'string' ? acr : null,
    sid: typeof sid === 'string' ? sid.slice(0, 300) : null,
  };
}

function answerOf({ state, code, iss, error, errorDescription }: z.infer<typeof ssoFinish>): URLSearchParams {
  const given = { state, code, iss, error, error_description: errorDescription };
  return new URLSearchParams(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

const secondsSince = (time: string, now: Date): number => Math.max(0, Math.ceil((now.getTime() - Date.parse(time)) / 1000));

/** What is mapped and not in the token, asked for. The token's own claims stand above it. */
async function userinfoOf(
  services: Services,
  connection: Connected,
  server: oauth.AuthorizationServer,
  accessToken: string,
  subject: string,
  claims: Claims,
): Promise<Claims> {
  const { name, email, groups, roles, externalId } = connection.oidc.claims;
  const wanted = [name, email, groups, roles, externalId].filter((path) => path !== null);
  const missing = wanted.some((path) => !Object.hasOwn(claims, path) && !Object.hasOwn(claims, path.split('.')[0] ?? ''));
  if (server.userinfo_endpoint === undefined || !missing) return {};
  const response = await oauth.userInfoRequest(server, clientOf(connection), accessToken, requestOptions(services));
  return oauth.processUserInfoResponse(server, clientOf(connection), subject, response);
}
