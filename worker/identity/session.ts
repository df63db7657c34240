import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import type { Me, SignInMethod } from '@gatehouse/core/api/identity.ts';
import type { Person } from '../directory/people.ts';
import { rememberDevice } from './devices.store.ts';
import { deviceKey } from './devices.ts';
import type { RequestFacts, Services, UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { insertSession } from './sessions.store.ts';

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
  method: SignInMethod;
  authenticatedAt: string;
  rows: Statement[];
}

/** A session that begins now; it stands once its rows are committed. */
export async function newSession(
  services: Pick<Services, 'newId' | 'random' | 'now'>,
  request: RequestFacts,
  db: TenantDb,
  userId: string,
  method: SignInMethod = 'password',
): Promise<NewSession> {
  const now = services.now();
  const createdAt = now.toISOString();
  const id = services.newId('session');
  const expiresAt = hoursBefore(now, -SESSION_HOURS);
  const { text: credential, hash } = await mintCredential('session', db, services.random);
  const { ip, userAgent, country, city } = request.origin;
  const rows = [
    insertSession(db, { id, secretHash: hash, userId, createdAt, expiresAt, ip, userAgent, country, city, method }),
    rememberDevice(db, { userId, device: deviceKey(request.origin), now: createdAt }),
  ];
  return { id, expiresAt, credential, method, authenticatedAt: createdAt, rows };
}

/** The context of somebody who has proved who they are. */
export function signedIn(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  { user, roles, tenant, factors }: Pick<Person, 'user' | 'roles' | 'tenant' | 'factors'>,
  session: Pick<NewSession, 'id' | 'expiresAt' | 'method' | 'authenticatedAt'>,
): UserContext {
  const authentication = {
    ...{ method: session.method, at: session.authenticatedAt },
    ...{ secondFactor: factors.passkey || factors.totp, secondFactorRequired: factors.required },
  };
  const actor = { type: 'user' as const, ...user, roles, permissions: permissionsOf(roles), sessionId: session.id };
  return { ...services, request, db, tenant, actor: { ...actor, sessionExpiresAt: session.expiresAt, authentication } };
}

export function meOf({ actor, tenant }: UserContext): Me {
  const { id, name, email, emailVerified, roles, permissions, sessionId, sessionExpiresAt, authentication } = actor;
  return {
    user: { id, name, email, emailVerified, roles },
    tenant: { id: tenant.id, name: tenant.name, slug: tenant.slug, region: tenant.region },
    permissions: [...permissions],
    session: { id: sessionId, expiresAt: sessionExpiresAt, method: authentication.method, authenticatedAt: authentication.at },
    secondFactor: { set: authentication.secondFactor, missing: lacksSecondFactor(actor) },
  };
}

/** Such a person may set one up and sign out, and do nothing else. */
export const lacksSecondFactor = ({ authentication }: UserContext['actor']): boolean =>
  authentication.secondFactorRequired && !authentication.secondFactor;
