import type { SignInMethod } from '@gatehouse/core/api/identity.ts';
import { personFrom, personQuery, type Person } from '../directory/people.ts';
import { policiesFrom, policyQuery, scopesOf, type StoredPolicy } from '../directory/policies.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { sessions } from './tables.ts';

export interface SessionRow {
  id: string;
  user_id: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  ip: string | null;
  user_agent: string | null;
  country: string | null;
  city: string | null;
  method: SignInMethod;
  authenticated_at: string;
}
/** A session with what is checked at each request. */
export interface SessionFound extends SessionRow {
  key_thumbprint: string | null;
  /** when a passkey was last shown in it */
  presence_at: string | null;
}
/** The session of an identity provider that one of ours hangs on. */
export interface ProviderSession {
  id: string;
  name: string;
  subject: string;
  /** as the provider names its session, if it does */
  sid: string | null;
  /** its ID token, sealed; null: it is not needed any more */
  token: string | null;
  /** ISO; null: ours has its own end */
  endsAt: string | null;
}
const COLUMNS = 'id, user_id, created_at, last_seen_at, expires_at, ip, user_agent, country, city, method, authenticated_at';

export const insertSession = (
  db: TenantDb,
  row: {
    id: string;
    secretHash: string;
    userId: string;
    createdAt: string;
    expiresAt: string;
    ip: string | null;
    userAgent: string | null;
    keyThumbprint: string | null;
    country: string | null;
    city: string | null;
    method: SignInMethod;
    presenceAt: string | null;
    provider: ProviderSession | null;
  },
): Statement => {
  const { provider, ...own } = row;
  const theirs = {
    providerId: provider?.id,
    providerSubject: provider?.subject,
    providerSid: provider?.sid,
    providerToken: provider?.token,
  };
  return db.orm
    .insert(sessions)
    .values({ ...own, ...theirs, tenantId: db.tenantId, lastSeenAt: row.createdAt, authenticatedAt: row.createdAt });
};

/** Everything about a session's person in one trip: session, the organisation's policy, user, tenant and roles, as they are this moment. */
export async function readSession(
  db: TenantDb,
  secretHash: string,
  now: string,
): Promise<{ session: SessionFound; person: Person; policies: ReadonlyMap<string, StoredPolicy> } | null> {
  const bySecret = (columns: string) =>
    statement(`SELECT ${columns} FROM sessions WHERE tenant_id = ? AND secret_hash = ?`, db.tenantId, secretHash);
  const [found, set, ...rest] = await db.batch([
    bySecret(`${COLUMNS}, key_thumbprint, presence_at`),
    policyQuery(db.tenantId, scopesOf(null)),
    ...personQuery(db, bySecret('user_id'), now),
  ]);
  const session = found?.rows[0] as SessionFound | undefined;
  const person = personFrom(rest[0], rest[1]);
  return session && person ? { session, person, policies: policiesFrom(set?.rows ?? []) } : null;
}

/** A session with what was read in it, in bytes. */
export interface ListedSession extends SessionRow {
  read_files: number;
  read_terminals: number;
  read_apps: number;
  read_other: number;
}
const readIn = (what: string): string =>
  `coalesce((SELECT sum(read_${what}) FROM connections c WHERE c.tenant_id = sessions.tenant_id AND c.session_id = sessions.id), 0) AS read_${what}`;

/** Sessions that are neither over nor idle, the newest first. */
export const liveSessions = (
  db: TenantDb,
  userId: string,
  live: { now: string; seenSince: string },
  page: { limit: number; before: string },
): Promise<ListedSession[]> =>
  db.rows(
    `SELECT ${COLUMNS}, ${['files', 'terminals', 'apps', 'other'].map(readIn).join(', ')} FROM sessions
     WHERE tenant_id = ? AND user_id = ? AND expires_at > ? AND last_seen_at > ? AND id < ? ORDER BY id DESC LIMIT ?`,
    ...[db.tenantId, userId, live.now, live.seenSince, page.before, page.limit + 1],
  );

export const touchSession = (db: TenantDb, id: string, now: string): Statement =>
  statement('UPDATE sessions SET last_seen_at = ? WHERE tenant_id = ? AND id = ?', now, db.tenantId, id);

/** Matches nothing when the session has a key, or began before `since`. */
export const bindKey = (db: TenantDb, id: string, thumbprint: string, since: string): Statement =>
  statement(
    'UPDATE sessions SET key_thumbprint = ? WHERE tenant_id = ? AND id = ? AND key_thumbprint IS NULL AND created_at > ?',
    ...[thumbprint, db.tenantId, id, since],
  );

/** Only a session of that person: matches nothing for anybody else's. */
export const deleteSession = (db: TenantDb, userId: string, id: string): Statement =>
  statement('DELETE FROM sessions WHERE tenant_id = ? AND user_id = ? AND id = ?', db.tenantId, userId, id);

/** Whose session it is. */
export async function holderOf(db: TenantDb, id: string): Promise<string | null> {
  const row = await db.first<{ user_id: string }>('SELECT user_id FROM sessions WHERE tenant_id = ? AND id = ?', db.tenantId, id);
  return row?.user_id ?? null;
}

export async function sessionIdsOf(db: TenantDb, userId: string): Promise<string[]> {
  const rows = await db.rows<{ id: string }>('SELECT id FROM sessions WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);
  return rows.map(({ id }) => id);
}

export const deleteOtherSessions = (db: TenantDb, userId: string, id: string): Statement =>
  statement('DELETE FROM sessions WHERE tenant_id = ? AND user_id = ? AND id <> ?', db.tenantId, userId, id);

/** The session goes on under a new secret; the old one opens nothing from now on. @param present a passkey was shown */
export const confirmSession = (db: TenantDb, id: string, secretHash: string, now: string, present: boolean): Statement =>
  statement(
    `UPDATE sessions SET secret_hash = ?3, authenticated_at = ?4, presence_at = CASE WHEN ?5 THEN ?4 ELSE presence_at END
     WHERE tenant_id = ?1 AND id = ?2 AND expires_at > ?4`,
    ...[db.tenantId, id, secretHash, now, present ? 1 : 0],
  );

export const deleteAllSessions = (db: TenantDb, userId: string): Statement =>
  statement('DELETE FROM sessions WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);
