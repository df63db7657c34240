import type { z } from 'zod';
import type { Connection, connectionState, OidcConfig, oidcSet, publicJwks } from '@gatehouse/core/api/sso.ts';
import { oidcConfig } from '@gatehouse/core/api/sso.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { refusalOf } from '../audit/destination-url.ts';
import { grantable } from '../directory/role-grants.ts';
import { commit, eventOf, onGuard, refuse, require } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import { noProvider, providerResource, providerToChange } from '../providers/providers.ts';
import { addressesFor } from './addresses.ts';
import { newClientKey, publicKeyOf } from './client.ts';
import * as store from './connections.store.ts';
import type { ConnectionRow } from './connections.store.ts';
import { shownMetadata } from './metadata.ts';
import { findCustomRoles } from './people.store.ts';
import type { Placed } from './place.ts';

export interface Versioned {
  connection: Connection;
  revision: number;
}

/** @throws AppError `not-found` */
export async function readConnection(ctx: UserContext, id: string): Promise<Versioned> {
  const resource = { type: 'policy', id: null, name: 'GET /identity-providers/{id}/oidc' } as const;
  await require(ctx, 'idp:read', { action: 'request.denied', resource });
  return present(ctx, id);
}

/**
 * Sets up how people sign in through a provider. Whoever leads it to another issuer brings the secret anew: else it would be handed to
 * that place. A role is mapped only by who may give it.
 * @throws AppError `not-found`, `invalid`, `stale-version`, `permission-denied`
 */
export async function setUpConnection(ctx: UserContext, id: string, revision: number, input: z.infer<typeof oidcSet>): Promise<Versioned> {
  const before = await connectionToChange(ctx, id);
  const { secret: brought, secretExpiresAt, ...rest } = input;
  const config = oidcConfig.parse(rest);
  checkIssuer(ctx, config.issuer);
  await checkRoles(ctx, before, config);
  const secret = await secretFor(ctx, before, config, brought);
  const sameIssuer = before.oidc?.issuer === config.issuer;
  const next = {
    ...{ config, secret, secretExpiresAt: config.authentication === 'secret' ? secretExpiresAt : null },
    ...{ state: before.oidc_state, metadata: sameIssuer ? before.oidc_metadata : null },
  };
  await change(ctx, before, revision, next, brought !== undefined);
  return present(ctx, id);
}

/** Switches the sign-in on or off; who is in stays in. @throws AppError `not-found`, `not-ready`, `stale-version` */
export async function switchConnection(
  ctx: UserContext,
  id: string,
  revision: number,
  { state }: z.infer<typeof connectionState>,
): Promise<Versioned> {
  const before = await connectionToChange(ctx, id);
  if (before.oidc === null) throw new AppError('not-ready', 'Set the sign-in up first');
  if (state === 'on' && before.oidc_metadata === null)
    throw new AppError('not-ready', 'The provider was not reached yet: let it be discovered first');
  await change(ctx, before, revision, { ...kept(before), state });
  return present(ctx, id);
}

/** Forgets how people sign in through it, with its secret. @throws AppError `not-found`, `stale-version` */
export async function removeConnection(ctx: UserContext, id: string, revision: number): Promise<void> {
  const before = await connectionToChange(ctx, id);
  await change(ctx, before, revision, { config: null, secret: null, secretExpiresAt: null, state: 'off', metadata: null });
}

/** Our public key, for the provider. @throws AppError `not-found` */
export async function clientKeys(services: Services, { db, providerId }: Placed): Promise<z.infer<typeof publicJwks>> {
  const row = await store.findConnection(db, providerId);
  const key = row ? await publicKeyOf({ services, db }, row) : null;
  if (!key) throw noProvider();
  return { keys: [key] };
}

/** The provider, for somebody who may change it. @throws AppError `permission-denied`, `not-found` */
export async function connectionToChange(
  ctx: UserContext,
  id: string,
  action: 'idp.update' | 'idp.test' = 'idp.update',
): Promise<ConnectionRow> {
  await providerToChange(ctx, id, action);
  const row = await store.findConnection(ctx.db, id);
  if (!row) throw noProvider();
  return row;
}

const kept = (row: ConnectionRow): store.SetUp => ({
  ...{ config: row.oidc, secret: row.oidc_secret, secretExpiresAt: row.oidc_secret_expires_at },
  ...{ state: row.oidc_state, metadata: row.oidc_metadata },
});

function checkIssuer({ settings }: UserContext, issuer: string): void {
  const refusal = new URL(issuer).search === '' ? refusalOf(issuer, settings) : 'must not have a query';
  if (refusal !== null) throw new AppError('invalid', 'Some of the input is wrong', { errors: [{ path: 'issuer', message: refusal }] });
}

async function checkRoles(ctx: UserContext, before: ConnectionRow, config: OidcConfig): Promise<void> {
  const custom = await findCustomRoles(ctx.db);
  const facts = { action: 'idp.update', resource: providerResource(before) } as const;
  for (const [index, { role, value }] of config.roles.entries()) {
    const own = custom.find((each) => each.role === role);
    if (own === undefined && !builtInRole.safeParse(role).success) {
      const errors = [{ path: `roles.${index}.role`, message: 'is no role of the organisation' }];
      throw new AppError('invalid', 'Some of the input is wrong', { errors });
    }
    const stood = before.oidc?.roles.some((each) => each.role === role && each.value === value) === true;
    const named = own ?? { role, name: null, permissions: null };
    if (!stood && !grantable(ctx, named)) await refuse(ctx, facts, `The role for ${value} may more than you may.`);
  }
}

async function secretFor(ctx: UserContext, before: ConnectionRow, config: OidcConfig, brought: string | undefined): Promise<string> {
  const seal = (value: string) => ctx.secrets.seal(ctx.db, store.secretAddress(before.id), value);
  const same = before.oidc?.authentication === config.authentication && before.oidc_secret !== null;
  if (config.authentication === 'key') return same ? (before.oidc_secret ?? '') : seal(await newClientKey(ctx.random));
  if (brought !== undefined) return seal(brought);
  if (same && before.oidc?.issuer === config.issuer) return before.oidc_secret ?? '';
  const message = same ? 'is needed anew, since it would be handed to another issuer' : 'is needed';
  throw new AppError('invalid', 'Some of the input is wrong', { errors: [{ path: 'secret', message }] });
}

const TRACKED: FieldRules<OidcConfig & { state: string; secret: string; secretExpiresAt: string | null }> = {
  issuer: 'tracked',
  clientId: 'tracked',
  authentication: 'tracked',
  scopes: 'tracked',
  claims: 'tracked',
  admission: 'tracked',
  roles: 'tracked',
  stepUpAcr: 'tracked',
  followsToken: 'tracked',
  signsOutThere: 'tracked',
  backChannelLogout: 'tracked',
  state: 'tracked',
  secret: 'secret',
  secretExpiresAt: 'tracked',
};

async function change(ctx: UserContext, before: ConnectionRow, revision: number, next: store.SetUp, newSecret = false): Promise<void> {
  const was = before.oidc && { ...before.oidc, state: before.oidc_state, secret: 'kept', secretExpiresAt: before.oidc_secret_expires_at };
  const is = next.config && {
    ...{ ...next.config, state: next.state, secret: newSecret ? 'new' : 'kept', secretExpiresAt: next.secretExpiresAt },
  };
  const event = eventOf(ctx, {
    ...{ action: 'idp.update', resource: providerResource(before), status: next.config ? 200 : 204, diff: diff(TRACKED, was, is) },
  });
  await onGuard(
    commit(ctx, { guard: store.setUp(ctx.db, before.id, revision, next), events: [event] }),
    () => new AppError('stale-version', 'Somebody changed it in the meantime. Load it again and repeat your change.'),
  );
}

async function present(ctx: UserContext, id: string): Promise<Versioned> {
  const row = await store.findConnection(ctx.db, id);
  if (!row) throw noProvider();
  const said = (message: string | null, at: string | null) => (message === null || at === null ? null : { message, at });
  const connection: Connection = {
    ...{ id: row.id, name: row.name, preset: row.preset, state: row.oidc === null ? 'unset' : row.oidc_state, config: row.oidc },
    ...{ hasSecret: row.oidc_secret !== null, secretExpiresAt: row.oidc_secret_expires_at },
    publicKey: await publicKeyOf({ services: ctx, db: ctx.db }, row),
    addresses: addressesFor(ctx.settings, ctx.db, ctx.tenant.slug, row.id),
    discovered: row.oidc_metadata && shownMetadata(row.oidc_metadata),
    warning: said(row.oidc_warning, row.oidc_warning_at),
    error: said(row.oidc_error, row.oidc_error_at),
  };
  return { connection, revision: row.revision };
}
