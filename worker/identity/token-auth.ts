import { permissionsOf, type Permission } from '@gatehouse/core/access/permissions.ts';
import { inNetworks } from '@gatehouse/core/access/networks.ts';
import { narrowed } from '@gatehouse/core/access/scopes.ts';
import { AppError, ERRORS } from '@gatehouse/core/errors.ts';
import { policiesOf } from '../directory/policies.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import type { HeldRoles } from '../directory/roles.ts';
import { record } from '../platform/commit.ts';
import type { ActingToken, Context, RequestFacts, ServiceAccountActor, Services, UserActor, UserContext } from '../platform/context.ts';
import { locateCredential } from '../platform/credential.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { hoursBefore, NETWORK_REFUSED, SEEN_MINUTES } from './session.ts';
import { readToken, type Bearer } from './token-auth.store.ts';
import { markUsed } from './tokens.store.ts';

/** Refusals of one token that are told: the ones after it say nothing new and would let anybody fill the log. */
const TOLD = { limit: 1, windowSeconds: 300 };

/**
 * Who asks with an API token. One trip to D1 and no cache: what it may do is what its owner may at this moment, within its
 * scopes. A token that was true once and is refused leaves an event.
 * @throws AppError `not-signed-in`; `permission-denied` from a network that the token is not for, `network-refused` from one that
 * the policy does not allow; `second-factor-required` as for its owner's session
 */
export async function authenticateToken(services: Services, request: RequestFacts, secret: string): Promise<UserContext> {
  const located = await locateCredential(services, 'token', secret.trim());
  if (!located) throw notSignedIn();
  const { db, hash } = located;
  const now = services.now();
  const bearer = await readToken(db, hash, now.toISOString());
  if (!bearer) throw notSignedIn();
  const ctx = contextOf(services, request, db, bearer);
  const { ip } = request.origin;
  const refusal = refusalOf(bearer, now.toISOString(), ip);
  if (refusal) throw await refuse(ctx, bearer, refusal);
  const allowed = allowedNetworks(services, bearer);
  if (allowed !== null && !inNetworks(ip, allowed)) await refuseForeignNetwork(ctx, bearer);
  const since = hoursBefore(now, SEEN_MINUTES / 60);
  if (bearer.token.last_used_at === null || bearer.token.last_used_at <= since) {
    const marked = db.batch([markUsed(db, bearer.token.id, now.toISOString(), since, request.origin.ip)]);
    services.defer(marked.catch((error: unknown) => services.log('warn', 'a token was not marked as used', { error: String(error) })));
  }
  return ctx;
}

type Refusal = 'revoked' | 'expired' | 'owner is not active' | 'organisation suspended' | 'owner lacks the second factor' | 'wrong network';

function refusalOf({ token, owner, tenantState, lacksSecondFactor }: Bearer, now: string, ip: string | null): Refusal | null {
  if (token.revoked_at !== null) return 'revoked';
  if (token.expires_at <= now) return 'expired';
  if (owner.state !== 'active') return 'owner is not active';
  if (tenantState !== 'active') return 'organisation suspended';
  if (lacksSecondFactor) return 'owner lacks the second factor';
  return token.networks.length > 0 && !inNetworks(ip, token.networks) ? 'wrong network' : null;
}

/**
 * Networks that the policy allows this token; null: all. A person's token is held to them like the person. A service account
 * works where people do not: where its token names networks of its own, only the deployment's bind it besides.
 */
function allowedNetworks({ settings }: Services, { token, owner, policies }: Bearer): readonly string[] | null {
  const ownNetworks = owner.type === 'service-account' && token.networks.length > 0;
  return policiesOf(settings.policy, ownNetworks ? new Map() : policies, null).policy.allowedNetworks;
}

/** @throws AppError `network-refused` */
async function refuseForeignNetwork(ctx: UserContext, { token }: Bearer): Promise<void> {
  if ((await ctx.throttle.begin(`refused token ${token.id} policy`, TOLD)) > 0) throw new AppError('network-refused', NETWORK_REFUSED);
  const facts = { action: 'token.use' as const, resource: { type: 'token' as const, id: token.id, name: token.name } };
  await refuseByPolicy(ctx, facts, { field: 'allowedNetworks', code: 'network-refused', reason: NETWORK_REFUSED });
}

async function refuse(ctx: UserContext, { token }: Bearer, reason: Refusal): Promise<AppError> {
  const error = errorOf(reason);
  const { status } = ERRORS[error.code];
  if ((await ctx.throttle.begin(`refused token ${token.id} ${reason}`, TOLD)) === 0) {
    const resource = { type: 'token', id: token.id, name: token.name } as const;
    await record(ctx, { action: 'token.use', resource, outcome: 'denied', status, reason });
  }
  return error;
}

function errorOf(reason: Refusal): AppError {
  if (reason === 'wrong network') return new AppError('permission-denied', 'The token is not for use from this network');
  if (reason !== 'owner lacks the second factor') return notSignedIn();
  return new AppError('second-factor-required', 'The organisation requires a second factor, and the token’s owner has set up none');
}

function contextOf(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  { token, owner, held, managesGroups, tenant }: Bearer,
): UserContext {
  const { roles, customRoles } = held;
  const acting: ActingToken = { id: token.id, name: token.name, scopes: new Set(token.scopes), expiresAt: token.expires_at };
  const common = {
    id: owner.id,
    name: owner.name,
    roles,
    customRoles,
    managesGroups,
    token: acting,
    sessionId: null,
    sessionExpiresAt: null,
    authentication: null,
  };
  const standing = owner.type === 'user' ? permissionsOf(roles, customRoles) : withoutWorkspaces(held);
  const may = { standing, permissions: narrowed(standing, acting.scopes) };
  const actor: UserActor | ServiceAccountActor =
    owner.type === 'user'
      ? { type: 'user', email: owner.email, emailVerified: owner.emailVerified, ...common, ...may }
      : { type: 'service-account', email: null, emailVerified: false, ...common, ...may };
  const base: Omit<Context, 'actor'> = { ...services, request, db, tenant };
  return { ...base, actor };
}

/** What a service account's roles hold: it is nobody's place to work, so it never has a workspace. */
export function withoutWorkspaces({ roles, customRoles }: HeldRoles): Set<Permission> {
  const held = permissionsOf(roles, customRoles);
  held.delete('workspace:create');
  return held;
}

const notSignedIn = () => new AppError('not-signed-in', 'The token is not valid: it may have been revoked or have expired');
