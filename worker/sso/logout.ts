import { z } from 'zod';
import { AppError } from '@gatehouse/core/errors.ts';
import { signOut } from '../identity/sessions.ts';
import { commit, eventOf, onUnique, record } from '../platform/commit.ts';
import type { RequestFacts, Services, UserContext } from '../platform/context.ts';
import { findConnection, noteError, type Connected } from './connections.store.ts';
import { ProviderFault, faultOf } from './fetching.ts';
import { CLOCK_SECONDS, metadataOf, verified } from './metadata.ts';
import { actingFor } from './people.ts';
import type { Placed } from './place.ts';
import { deleteMeant, sessionProvider, sessionsMeant, tokenAddress, useLogoutToken } from './sessions.store.ts';

/**
 * Ends the session that asks. @returns where to sign out at its provider, too; null where that is not wanted or not offered
 */
export async function signOutEverywhereToo(ctx: UserContext): Promise<string | null> {
  const url = ctx.actor.sessionId === null ? null : await endSessionUrl(ctx, ctx.actor.sessionId);
  await signOut(ctx);
  return url;
}

async function endSessionUrl(ctx: UserContext, sessionId: string): Promise<string | null> {
  const provider = await sessionProvider(ctx.db, sessionId);
  const connection = provider && (await findConnection(ctx.db, provider.id));
  const endpoint = connection?.oidc_metadata?.server.end_session_endpoint;
  if (!provider || provider.token === null || !connection?.oidc || endpoint === undefined) return null;
  const hint = await ctx.secrets.open(ctx.db, tokenAddress({ providerId: provider.id, subject: provider.subject }), provider.token);
  const url = new URL(endpoint);
  const asked = { id_token_hint: hint, client_id: connection.oidc.clientId, post_logout_redirect_uri: `${ctx.settings.ORIGIN}/signin` };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return url.href;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** A logout token is of this moment. */
const TOKEN_SECONDS = 120;
const logoutClaims = z
  .object({
    jti: z.string().min(1).max(200),
    iat: z.number(),
    exp: z.number().optional(),
    sub: z.string().min(1).max(300).optional(),
    sid: z.string().min(1).max(300).optional(),
    events: z.looseObject({ [EVENT]: z.looseObject({}) }),
    nonce: z.never('must not be there').optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined, 'names neither a person nor a session');

/**
 * A provider says that somebody has left (OpenID Connect Back-Channel Logout 1.0): their sessions end, with all that they hold open.
 * @throws AppError `not-found`, `invalid`; a token that is refused is an event
 */
export async function endByProvider(services: Services, request: RequestFacts, { db, providerId }: Placed, token: string): Promise<void> {
  const connection = await findConnection(db, providerId);
  if (!connection?.oidc?.backChannelLogout) throw new AppError('not-found', 'There is no such address in the API');
  const known = connection as Connected;
  const ctx = actingFor(services, request, db, connection);
  const refused = async (reason: string) => {
    const resource = { type: 'session' as const, id: null, name: 'somebody' };
    const told = (await services.throttle.begin(`refused logout of ${providerId}`, { limit: 10, windowSeconds: 600 })) > 0;
    const details = { provider: providerId };
    if (!told) await record(ctx, { action: 'session.end', resource, outcome: 'denied', status: 422, reason, details });
    await db.batch([noteError(db, providerId, `A logout token was refused: ${reason}`, services.now().toISOString())]);
    return new AppError('invalid', `The logout token was refused: ${reason}`, { errors: [{ path: 'logout_token', message: reason }] });
  };
  const claims = await claimsOf(services, db, known, token).catch(async (error: unknown) => {
    throw await refused(faultOf(error));
  });
  const { sub: subject = null, sid = null, jti, iat } = claims;
  const which = { providerId, subject, sid };
  const sessions = await sessionsMeant(db, which);
  const users = new Map(sessions.map(({ user_id, name }) => [user_id, name]));
  const events = sessions.map(({ id, user_id, name }) =>
    eventOf(ctx, {
      ...{ action: 'session.end', resource: { type: 'session', id, name }, status: 200, sessionId: id },
      details: { user: user_id, provider: providerId, by: 'back-channel logout' },
    }),
  );
  const expiresAt = new Date((iat + 2 * TOKEN_SECONDS + CLOCK_SECONDS) * 1000).toISOString();
  const ended = commit(ctx, {
    ...{ changes: [useLogoutToken(db, providerId, jti, expiresAt), deleteMeant(db, which)], events },
    ...(users.size > 0 ? { lessens: { users: [...users.keys()], cause: `${connection.name} signed you out` } } : {}),
  });
  await onUnique(ended, 'used_logout_tokens', () => new AppError('invalid', 'used twice')).catch(async (error: unknown) => {
    throw error instanceof AppError && error.message === 'used twice' ? await refused('it was used before') : error;
  });
}

async function claimsOf(services: Services, db: Placed['db'], connection: Connected, token: string): Promise<z.infer<typeof logoutClaims>> {
  const known = await metadataOf(services, db, connection);
  const payload = await verified(services, db, connection, known, token, { maxTokenAge: TOKEN_SECONDS, requiredClaims: ['iat', 'jti'] });
  const parsed = logoutClaims.safeParse(payload);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ProviderFault(`${issue?.path.join('.') || 'it'} ${issue?.message ?? 'is wrong'}`);
}
