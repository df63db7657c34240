import type { z } from 'zod';
import { givenDetails, powersAmong } from '@gatehouse/core/access/power.ts';
import { OWN_SCOPES, type Scope } from '@gatehouse/core/access/scopes.ts';
import type { BulkResult } from '@gatehouse/core/api/directory.ts';
import {
  TOKENS_EACH,
  type Token,
  type tokenCreate,
  type TokenCreated,
  type tokenList,
  type tokenQuery,
  type tokenSelf,
} from '@gatehouse/core/api/tokens.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, onGuard, require, requireSession, type EventFacts } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import { requireFresh } from '../platform/fresh.ts';
import { keysetPage, pageOf } from '../platform/route.ts';
import { insertToken, pageOfTokens, revokeTokens, tokensById, type TokenRow } from './tokens.store.ts';
import { resultOf } from './user-admin.ts';

type Page = z.infer<typeof tokenList>;
type Query = z.infer<typeof tokenQuery>;
type Input = z.infer<typeof tokenCreate>;
export type TokenOwner = { type: 'user' | 'service-account'; id: string; name: string };

const DAY = 86_400_000;
const policy = (name: string) => ({ action: 'request.denied', resource: { type: 'policy', id: null, name } }) as const;

/** One's own, for the page where they are made. */
export async function listOwnTokens(ctx: UserContext, query: Pick<Query, 'limit' | 'cursor'>): Promise<Page> {
  await requireSession(ctx, policy('GET /me/tokens'));
  return pageFor(ctx, { ...query, ownerId: ctx.actor.id });
}

/** Everybody's. Those of one service account are for whoever may see it. */
export async function listTokens(ctx: UserContext, query: Query): Promise<Page> {
  const ofAccount = query.ownerId?.startsWith('sva_') === true && ctx.actor.permissions.has('service-account:read');
  await require(ctx, ofAccount ? 'service-account:read' : 'token:read-all', policy('GET /tokens'));
  return pageFor(ctx, query);
}

async function pageFor(ctx: UserContext, query: Query): Promise<Page> {
  const { limit, after } = keysetPage(query);
  const { q = null, state = null, ownerId: owner = null } = query;
  const now = ctx.now().toISOString();
  const rows = await pageOfTokens(ctx.db, { limit, before: after, q, state, owner, now });
  return pageOf(
    rows,
    limit,
    (row) => presentToken(row, now),
    (row) => [row.id],
  );
}

export function presentToken(row: TokenRow, now: string): Token {
  const over = row.expires_at <= now ? 'expired' : 'active';
  return {
    ...{ id: row.id, name: row.name, owner: { type: row.owner_type, id: row.owner_id, name: row.owner_name } },
    ...{ scopes: row.scopes, networks: row.networks, state: row.revoked_at === null ? over : 'revoked' },
    ...{ createdAt: row.created_at, createdBy: row.creator, expiresAt: row.expires_at, revokedAt: row.revoked_at },
    ...{ lastUsedAt: row.last_used_at, lastUsedFrom: row.last_used_from },
  };
}

/** A token for oneself. @throws AppError `browser-only`, `step-up-required`, `invalid` for scopes beyond what one may oneself */
export async function createOwnToken(ctx: UserContext, input: Input): Promise<TokenCreated> {
  const facts = { action: 'token.create', resource: { type: 'token', id: null, name: input.name } } as const;
  const { actor } = await requireFresh(ctx, facts);
  refuseBeyond(input.scopes, new Set([...actor.permissions, ...(Object.keys(OWN_SCOPES) as Scope[])]), 'is more than you may do yourself');
  return makeToken(ctx, { type: 'user', id: actor.id, name: actor.name }, input);
}

/** A token would grow with its owner's roles: what it is for must be true when it is made. */
export function refuseBeyond(scopes: readonly Scope[], allowed: ReadonlySet<Scope>, message: string): void {
  const errors = scopes.flatMap((scope, index) =>
    allowed.has(scope) ? [] : [{ path: `scopes.${index}`, message: `${scope} ${message}` }],
  );
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
}

/** Makes a token whose owner and scopes were checked. Its secret is in this answer and nowhere else. */
export async function makeToken(ctx: UserContext, owner: TokenOwner, input: Input): Promise<TokenCreated> {
  const secret = await mintCredential('token', ctx.db, ctx.random);
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + input.expiresInDays * DAY).toISOString();
  const token = { id: ctx.newId('token'), name: input.name, scopes: input.scopes, networks: input.networks, expiresAt };
  const guard = insertToken(ctx.db, { ...token, secretHash: secret.hash, owner, createdAt: now.toISOString(), createdBy: ctx.actor.id });
  const event = eventOf(ctx, {
    action: 'token.create',
    resource: { type: 'token', id: token.id, name: token.name },
    status: 201,
    details: {
      ...{ owner: owner.id, ownerName: owner.name, scopes: input.scopes.join(' '), networks: input.networks.join(' '), expiresAt },
      ...givenDetails({ power: powersAmong(input.scopes), self: false }),
    },
  });
  await onGuard(
    commit(ctx, { guard, events: [event] }),
    () =>
      new AppError('quota-exceeded', `${owner.name} has ${TOKENS_EACH} tokens that work, or is not active. Revoke one that nobody needs.`),
  );
  return {
    ...{ ...token, owner, state: 'active', createdAt: now.toISOString(), createdBy: ctx.actor.name },
    ...{ revokedAt: null, lastUsedAt: null, lastUsedFrom: null, secret: secret.text },
  };
}

const gone = () => new AppError('not-found', 'There is no such token');
const resourceOf = ({ id, name }: TokenRow): EventFacts['resource'] => ({ type: 'token', id, name });

/**
 * Revokes a token: one's own, also with that very token; a service account's for whoever manages those; any for
 * `token:revoke-all`. It is powerless with the next request.
 * @throws AppError `not-found`, `permission-denied`, `browser-only`; `conflict` when it is revoked already
 */
export async function revokeToken(ctx: UserContext, id: string): Promise<void> {
  const unnamed = { action: 'token.revoke', resource: { type: 'token', id, name: 'a token' } } as const;
  const [row] = await tokensById(ctx.db, [id]);
  if (row?.owner_id === ctx.actor.id) {
    if (ctx.actor.token && ctx.actor.token.id !== id && !ctx.actor.permissions.has('token:revoke-all')) await requireSession(ctx, unnamed);
  } else {
    const managed = row?.owner_type === 'service-account' && ctx.actor.permissions.has('service-account:manage');
    await require(ctx, managed ? 'service-account:manage' : 'token:revoke-all', unnamed);
  }
  if (!row) throw gone();
  if (!(await revoke(ctx, [row]))) throw new AppError('conflict', 'The token is revoked already');
}

/** Many at once, for administrators. */
export async function revokeAll(ctx: UserContext, ids: readonly string[]): Promise<BulkResult> {
  const resource = { type: 'token', id: null, name: `${ids.length} tokens` } as const;
  await require(ctx, 'token:revoke-all', { action: 'token.revoke', resource });
  const unique = [...new Set(ids)];
  const known = new Map((await tokensById(ctx.db, unique)).map((row) => [row.id, row]));
  const standing = [...known.values()].filter((row) => row.revoked_at === null);
  const done = new Set<string>();
  if (standing.length > 0 && (await revoke(ctx, standing))) for (const { id } of standing) done.add(id);
  else for (const row of standing) if (await revoke(ctx, [row])) done.add(row.id);
  const why = (id: string) => (known.has(id) ? new AppError('conflict', 'The token is revoked already') : gone());
  return { items: unique.map((id) => resultOf(id, done.has(id) ? null : why(id))) };
}

async function revoke(ctx: UserContext, rows: readonly TokenRow[]): Promise<boolean> {
  const guard = revokeTokens(
    ctx.db,
    rows.map(({ id }) => id),
    ctx.now().toISOString(),
  );
  const events = rows.map((row) =>
    eventOf(ctx, {
      ...{ action: 'token.revoke', resource: resourceOf(row), status: 204 },
      details: { owner: row.owner_id, ownerName: row.owner_name },
    }),
  );
  try {
    await commit(ctx, { guard, events });
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}

/** What a token may know of itself without any scope. @throws AppError `not-found` for a session */
export function readOwnToken({ actor, tenant }: UserContext): z.infer<typeof tokenSelf> {
  if (!actor.token) throw new AppError('not-found', 'You came with a session, not with a token');
  const { id, name, scopes, expiresAt } = actor.token;
  return {
    ...{ id, name, owner: { type: actor.type, id: actor.id, name: actor.name } },
    ...{ tenant: { id: tenant.id, name: tenant.name, slug: tenant.slug } },
    ...{ scopes: [...scopes], permissions: [...actor.permissions], expiresAt },
  };
}
