import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import type { Me } from '@gatehouse/core/api/identity.ts';
import type { Person } from '../directory/people.ts';
import type { RequestFacts, Services, SessionContext } from '../platform/context.ts';
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
  row: Statement;
}

/** A session that begins now; it stands once its row is committed. */
export async function newSession(
  services: Pick<Services, 'newId' | 'random' | 'now'>,
  request: RequestFacts,
  db: TenantDb,
  userId: string,
): Promise<NewSession> {
  const now = services.now();
  const id = services.newId('session');
  const expiresAt = hoursBefore(now, -SESSION_HOURS);
  const { text: credential, hash } = await mintCredential('session', db, services.random);
  const { ip, userAgent } = request.origin;
  const row = insertSession(db, { id, secretHash: hash, userId, createdAt: now.toISOString(), expiresAt, ip, userAgent });
  return { id, expiresAt, credential, row };
}

/** The context of somebody who has proved who they are. */
export function signedIn(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  { user, roles, customRoles, managesGroups, tenant }: Pick<Person, 'user' | 'roles' | 'customRoles' | 'managesGroups' | 'tenant'>,
  session: { id: string; expiresAt: string },
): SessionContext {
  const permissions = permissionsOf(roles, customRoles);
  const held = { roles, customRoles, managesGroups, permissions, standing: permissions };
  const actor = { type: 'user' as const, ...user, ...held, token: null };
  return { ...services, request, db, tenant, actor: { ...actor, sessionId: session.id, sessionExpiresAt: session.expiresAt } };
}

export function meOf({ actor, tenant }: SessionContext): Me {
  const { id, name, email, emailVerified, roles, managesGroups, permissions, sessionId, sessionExpiresAt } = actor;
  const customRoles = actor.customRoles.map((role) => ({ id: role.id, name: role.name }));
  return {
    user: { id, name, email, emailVerified, roles, customRoles, managesGroups },
    tenant: { id: tenant.id, name: tenant.name, slug: tenant.slug, region: tenant.region },
    permissions: [...permissions],
    session: { id: sessionId, expiresAt: sessionExpiresAt },
  };
}
