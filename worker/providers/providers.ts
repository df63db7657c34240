import type { z } from 'zod';
import {
  PROVIDERS_LIMIT,
  type IdentityProvider,
  type identityProviderList,
  type providerCreate,
  type providerUpdate,
} from '@gatehouse/core/api/identity-providers.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import * as store from './providers.store.ts';

export const providerResource = ({ id, name }: { id: string; name: string }) => ({ type: 'idp' as const, id, name });
export const noProvider = () => new AppError('not-found', 'There is no such identity provider');
const tracked = { name: 'tracked', preset: 'tracked' } as const;
const reading = (route: string) => ({ action: 'request.denied', resource: { type: 'policy', id: null, name: route } }) as const;

const errorOf = (message: string | null, at: string | null) => (message === null || at === null ? null : { message, at });
const newer = (error: string | null, used: string | null) => error !== null && (used === null || used < error);

const present = (row: store.ProviderRow): IdentityProvider => ({
  ...{ id: row.id, name: row.name, preset: row.preset, createdAt: row.created_at },
  signIn: {
    state: row.oidc === null ? 'unset' : row.oidc_state === 'off' ? 'off' : newer(row.oidc_error_at, row.oidc_used_at) ? 'failing' : 'on',
    ...{ usedAt: row.oidc_used_at, error: errorOf(row.oidc_error, row.oidc_error_at), secretExpiresAt: row.oidc_secret_expires_at },
  },
  provisioning: {
    state: row.tokens === 0 ? (row.scim_used_at === null ? 'unset' : 'off') : newer(row.scim_error_at, row.scim_used_at) ? 'failing' : 'on',
    ...{ usedAt: row.scim_used_at, error: errorOf(row.scim_error, row.scim_error_at), tokenExpiresAt: row.token_expires_at },
    ...{ people: row.people, groups: row.groups },
  },
});

export async function listProviders(ctx: UserContext): Promise<z.infer<typeof identityProviderList>> {
  await require(ctx, 'idp:read', reading('GET /identity-providers'));
  return { items: (await store.findProviders(ctx.db, ctx.now().toISOString())).map(present) };
}

/** @throws AppError `not-found` */
export async function readProvider(ctx: UserContext, id: string): Promise<{ provider: IdentityProvider; revision: number }> {
  await require(ctx, 'idp:read', reading('GET /identity-providers/{id}'));
  const row = await store.findProvider(ctx.db, id, ctx.now().toISOString());
  if (!row) throw noProvider();
  return { provider: present(row), revision: row.revision };
}

/** @throws AppError `quota-exceeded`, `conflict` naming `name` */
export async function createProvider(
  ctx: UserContext,
  input: z.infer<typeof providerCreate>,
): Promise<{ provider: IdentityProvider; revision: number }> {
  await require(ctx, 'idp:manage', { action: 'idp.create', resource: { type: 'idp', id: null, name: input.name } });
  const id = ctx.newId('identityProvider');
  const event = eventOf(ctx, {
    ...{ action: 'idp.create', resource: providerResource({ id, name: input.name }), status: 201, diff: diff(tracked, null, input) },
  });
  const guard = store.insertProvider(ctx.db, { id, ...input, now: ctx.now().toISOString() });
  const full = () => new AppError('quota-exceeded', `An organisation has at most ${PROVIDERS_LIMIT} identity providers`);
  await onTaken(onGuard(commit(ctx, { guard, events: [event] }), full), input.name);
  return readProvider(ctx, id);
}

/** @throws AppError `not-found`, `stale-version`, `conflict` naming `name` */
export async function changeProvider(
  ctx: UserContext,
  id: string,
  revision: number,
  { name }: z.infer<typeof providerUpdate>,
): Promise<{ provider: IdentityProvider; revision: number }> {
  const before = await providerToChange(ctx, id, 'idp.update');
  const event = eventOf(ctx, {
    ...{ action: 'idp.update', resource: providerResource(before), status: 200 },
    diff: diff({ name: 'tracked' }, { name: before.name }, { name }),
  });
  const stale = () => new AppError('stale-version', 'Somebody changed it in the meantime. Load it again and repeat your change.');
  const guard = store.renameProvider(ctx.db, id, revision, name);
  await onTaken(onGuard(commit(ctx, { guard, events: [event] }), stale), name);
  return readProvider(ctx, id);
}

/** The provider, for somebody who may change it. @throws AppError `permission-denied`, `not-found` */
export async function providerToChange(
  ctx: UserContext,
  id: string,
  action: Parameters<typeof eventOf>[1]['action'],
): Promise<store.ProviderRow> {
  const row = await store.findProvider(ctx.db, id, ctx.now().toISOString());
  await require(ctx, 'idp:manage', { action, resource: providerResource({ id, name: row?.name ?? 'an identity provider' }) });
  if (!row) throw noProvider();
  return row;
}

const onTaken = <T>(work: Promise<T>, name: string): Promise<T> =>
  onUnique(work, 'identity_providers.tenant_id, identity_providers.name', () => {
    const errors = [{ path: 'name', message: 'is taken' }];
    return new AppError('conflict', `There is an identity provider ${name} already.`, { errors });
  });
