import type { z } from 'zod';
import {
  SCIM_TOKENS_LIVE,
  type ScimToken,
  type scimTokenCreate,
  type ScimTokenCreated,
  type scimTokenList,
} from '@gatehouse/core/api/scim.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import { requireFresh } from '../platform/fresh.ts';
import { providerResource, providerToChange, readProvider } from '../providers/providers.ts';
import * as store from './scim-tokens.store.ts';

const DAY = 86_400_000;

const present = (row: store.ScimTokenRow, now: string): ScimToken => ({
  ...{ id: row.id, createdAt: row.created_at, createdBy: row.creator },
  ...{ expiresAt: row.expires_at, revokedAt: row.revoked_at, lastUsedAt: row.last_used_at },
  state: row.revoked_at !== null ? 'revoked' : row.expires_at !== null && row.expires_at <= now ? 'expired' : 'active',
});

/** @throws AppError `permission-denied`, `not-found` */
export async function listTokens(ctx: UserContext, providerId: string): Promise<z.infer<typeof scimTokenList>> {
  await readProvider(ctx, providerId);
  const rows = await store.findTokens(ctx.db, providerId);
  const now = ctx.now().toISOString();
  return { items: rows.map((row) => present(row, now)), baseUrl: `${ctx.settings.ORIGIN}/scim/v2` };
}

/** Its secret is in this answer and nowhere else. @throws AppError `browser-only`, `step-up-required`, `quota-exceeded` while two work */
export async function createToken(
  asking: UserContext,
  providerId: string,
  { expiresInDays }: z.infer<typeof scimTokenCreate>,
): Promise<ScimTokenCreated> {
  const unnamed = { type: 'idp', id: providerId, name: 'an identity provider' } as const;
  const ctx = await requireSession(asking, { action: 'idp.token.create', resource: unnamed });
  const provider = await providerToChange(ctx, providerId, 'idp.token.create');
  const facts = { action: 'idp.token.create', resource: providerResource(provider) } as const;
  await requireFresh(ctx, facts);
  const secret = await mintCredential('scim', ctx.db, ctx.random);
  const now = ctx.now();
  const [id, createdAt] = [ctx.newId('scimToken'), now.toISOString()];
  const expiresAt = new Date(now.getTime() + expiresInDays * DAY).toISOString();
  const guard = store.insertToken(ctx.db, { id, providerId, secretHash: secret.hash, createdAt, createdBy: ctx.actor.id, expiresAt });
  const event = eventOf(ctx, { ...facts, status: 201, details: { token: id, expiresAt } });
  const full = () =>
    new AppError(
      'quota-exceeded',
      `${provider.name} has ${SCIM_TOKENS_LIVE} tokens that work: revoke the one that it does not use any more`,
    );
  await onGuard(commit(ctx, { guard, changes: [store.dropOld(ctx.db, providerId)], events: [event] }), full);
  return {
    ...{ id, state: 'active', createdAt, createdBy: ctx.actor.name, expiresAt, revokedAt: null, lastUsedAt: null },
    secret: secret.text,
  };
}

/** It opens nothing from the next call on. @throws AppError `not-found`, `conflict` when it is revoked already */
export async function revokeToken(ctx: UserContext, providerId: string, id: string): Promise<void> {
  const provider = await providerToChange(ctx, providerId, 'idp.token.revoke');
  const token = await store.findToken(ctx.db, providerId, id);
  if (!token) throw new AppError('not-found', 'There is no such token');
  const event = eventOf(ctx, { action: 'idp.token.revoke', resource: providerResource(provider), status: 204, details: { token: id } });
  const guard = store.revokeToken(ctx.db, providerId, id, ctx.now().toISOString());
  await onGuard(commit(ctx, { guard, events: [event] }), () => new AppError('conflict', 'The token is revoked already'));
}
