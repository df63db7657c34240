import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import type { Me, SignInMethod } from '@gatehouse/core/api/identity.ts';
import { inNetworks } from '@gatehouse/core/access/networks.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Person } from '../directory/people.ts';
import { policiesFrom, policiesOf, policyQuery, scopesOf } from '../directory/policies.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import { rememberDevice } from './devices.store.ts';
import { deviceKey } from './devices.ts';
import type { RequestFacts, Services, SessionContext, UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import { USED_TWICE, useUp } from '../platform/proof.ts';
import { onUnique, record, type EventContext, type EventFacts } from '../platform/commit.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { insertSession, type ProviderSession } from './sessions.store.ts';

export type { ProviderSession } from './sessions.store.ts';

/** A session ends this long after sign-in, whatever happens: a working day with its overtime. */
export const SESSION_HOURS = 12;
/** It ends earlier when nothing was asked with it for this long. */
export const IDLE_HOURS = 2;
/** How exact "last seen" is: a write at most this often, not with every request. */
export const SEEN_MINUTES = 5;

export const hoursBefore = (now: Date, hours: number): string => new Date(now.getTime() - hours * 3_600_000).toISOString();

export interface NewSession {
  id: string;
  expiresAt: string;
  /** for the cookie; nowhere kept */
  credential: string;
  keyThumbprint: string | null;
  createdAt: string;
  method: SignInMethod;
  authenticatedAt: string;
  presenceAt: string | null;
  rows: Statement[];
}

/**
 * A session that begins now; it stands once its rows are committed. However somebody signs in, this is where the policy's
 * networks and limits, and the browser's key, come in.
 * @throws AppError `network-refused`; `invalid` naming `DPoP` for a proof that is wrong or was used
 */
export async function newSession(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  userId: string,
  method: SignInMethod,
  provider: ProviderSession | null = null,
): Promise<NewSession> {
  const now = services.now();
  const createdAt = now.toISOString();
  const id = services.newId('session');
  const { policy, thumbprint: keyThumbprint } = await admit(services, request, db, userId);
  const ownEnd = hoursBefore(now, -Math.min(SESSION_HOURS, policy.sessionLimit / 60));
  const expiresAt = provider?.endsAt && provider.endsAt < ownEnd ? provider.endsAt : ownEnd;
  const { text: credential, hash } = await mintCredential('session', db, services.random);
  const { ip, userAgent, country, city } = request.origin;
  const presenceAt = method === 'passkey' ? createdAt : null;
  const facts = { id, userId, createdAt, expiresAt, keyThumbprint, method, presenceAt, provider };
  const rows = [
    insertSession(db, { ...facts, secretHash: hash, ip, userAgent, country, city }),
    rememberDevice(db, { userId, device: deviceKey(request.origin), now: createdAt }),
  ];
  return { id, expiresAt, credential, keyThumbprint, createdAt, method, authenticatedAt: createdAt, presenceAt, rows };
}

/** Whether a session may begin here, and with which key. Uses the proof up. */
async function admit(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  userId: string,
): Promise<{ policy: Policy; thumbprint: string | null }> {
  const { proof } = request;
  const anonymous = { ...services, request, db, actor: { type: 'anonymous' as const, name: 'Somebody signing in' } };
  const wrong = async (why: string) => {
    const resource = { type: 'session' as const, id: null, name: 'a new session' };
    await record(anonymous, { action: 'session.bind_key', resource, outcome: 'denied', status: 422, reason: `The proof: ${why}` });
    return new AppError('invalid', `The proof of this browser’s key was refused: ${why}`, { errors: [{ path: 'DPoP', message: why }] });
  };
  if (proof?.good === false) throw await wrong(proof.why);
  const asked = db.batch([policyQuery(db.tenantId, scopesOf(null)), ...(proof ? [useUp(db, proof)] : [])]);
  const [stored] = await onUnique(asked, USED_TWICE, () => new ProofUsed()).catch(async (error: unknown) => {
    throw error instanceof ProofUsed ? await wrong('it was used before') : error;
  });
  const { policy } = policiesOf(services.settings.policy, policiesFrom(stored?.rows ?? []), null);
  await requireNetwork(anonymous, request, policy, { type: 'user', id: userId, name: 'Somebody' });
  return { policy, thumbprint: proof?.thumbprint ?? null };
}

class ProofUsed extends AppError {
  constructor() {
    super('invalid', 'The proof was used before');
  }
}

/** @throws AppError `network-refused`; the refusal is an event */
export async function requireNetwork(
  ctx: EventContext,
  request: RequestFacts,
  policy: Pick<Policy, 'allowedNetworks'>,
  resource: EventFacts['resource'],
): Promise<void> {
  if (policy.allowedNetworks === null || inNetworks(request.origin.ip, policy.allowedNetworks)) return;
  const facts = { action: 'user.sign_in' as const, resource };
  await refuseByPolicy(ctx, facts, { field: 'allowedNetworks', code: 'network-refused', reason: NETWORK_REFUSED });
}

export const NETWORK_REFUSED = 'The organisation’s policy does not allow this from your network';

/** The context of somebody who has proved who they are. */
export function signedIn(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  person: Pick<Person, 'user' | 'roles' | 'customRoles' | 'managesGroups' | 'tenant' | 'factors'>,
  session: Pick<NewSession, 'id' | 'expiresAt' | 'createdAt' | 'keyThumbprint' | 'method' | 'authenticatedAt' | 'presenceAt'>,
): SessionContext {
  const { user, roles, customRoles, managesGroups, tenant, factors } = person;
  const permissions = permissionsOf(roles, customRoles);
  const held = { roles, customRoles, managesGroups, permissions, standing: permissions };
  const facts = { sessionExpiresAt: session.expiresAt, sessionBeganAt: session.createdAt, keyThumbprint: session.keyThumbprint };
  const authentication = {
    ...{ method: session.method, at: session.authenticatedAt, presentAt: session.presenceAt },
    ...{ secondFactor: factors.passkey || factors.totp, secondFactorRequired: factors.required },
  };
  const actor = { type: 'user' as const, ...user, ...held, token: null, sessionId: session.id, ...facts, authentication };
  return { ...services, request, db, tenant, actor };
}

export function meOf({ actor, tenant }: SessionContext): Me {
  const { id, name, email, emailVerified, roles, managesGroups, permissions } = actor;
  const { sessionId, sessionExpiresAt: expiresAt, keyThumbprint, authentication } = actor;
  const { method, at: authenticatedAt } = authentication;
  const customRoles = actor.customRoles.map((role) => ({ id: role.id, name: role.name }));
  return {
    user: { id, name, email, emailVerified, roles, customRoles, managesGroups },
    tenant: { id: tenant.id, name: tenant.name, slug: tenant.slug, region: tenant.region },
    permissions: [...permissions],
    session: { id: sessionId, expiresAt, hasKey: typeof keyThumbprint === 'string', method, authenticatedAt },
    secondFactor: { set: authentication.secondFactor, missing: lacksSecondFactor(actor) },
  };
}

/**
 * Such a person may set one up and sign out, and do nothing else. Tokens are looked at where they are read. Who comes from the
 * organisation's provider shows their factors there.
 */
export const lacksSecondFactor = ({ authentication }: UserContext['actor']): boolean =>
  authentication !== null && authentication.secondFactorRequired && !authentication.secondFactor && authentication.method !== 'sso';
