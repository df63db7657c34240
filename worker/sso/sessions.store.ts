import { z } from 'zod';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Where the ID token of a session lies. */
export const tokenAddress = (sessionOf: { providerId: string; subject: string }): SecretAddress => ({
  ...{ table: 'sessions', column: 'provider_token', row: `${sessionOf.providerId} ${sessionOf.subject}` },
});

const row = z.object({ id: z.string(), subject: z.string(), token: z.string().nullable() });
export type SessionProvider = z.infer<typeof row>;

/** Through which provider a session began. */
export async function sessionProvider(db: TenantDb, sessionId: string): Promise<SessionProvider | null> {
  const found = await db.first(
    `SELECT provider_id AS id, provider_subject AS subject, provider_token AS token FROM sessions
     WHERE tenant_id = ? AND id = ? AND provider_id IS NOT NULL`,
    ...[db.tenantId, sessionId],
  );
  return found === undefined ? null : row.parse(found);
}

/** Whether that account is this person's. */
export async function holdsIdentity(db: TenantDb, account: { issuer: string; subject: string }, userId: string): Promise<boolean> {
  const found = await db.first(
    'SELECT 1 AS held FROM identities WHERE tenant_id = ? AND issuer = ? AND subject = ? AND user_id = ?',
    ...[db.tenantId, account.issuer, account.subject, userId],
  );
  return found !== undefined;
}

/** Which sessions a provider means: one by its sid, or all of a subject. */
export interface Ended {
  providerId: string;
  subject: string | null;
  sid: string | null;
}

const MEANT = `provider_id = ?2 AND (?3 IS NULL OR provider_subject = ?3) AND (?4 IS NULL OR provider_sid = ?4)`;
const bound = (db: TenantDb, { providerId, subject, sid }: Ended) => [db.tenantId, providerId, subject, sid];

const ended = z.object({ id: z.string(), user_id: z.string(), name: z.string() });
export async function sessionsMeant(db: TenantDb, which: Ended): Promise<Array<z.infer<typeof ended>>> {
  const rows = await db.rows(
    `SELECT s.id, s.user_id, u.name FROM sessions s JOIN users u ON u.tenant_id = ?1 AND u.id = s.user_id WHERE s.tenant_id = ?1 AND ${MEANT}`,
    ...bound(db, which),
  );
  return rows.map((each) => ended.parse(each));
}

export const deleteMeant = (db: TenantDb, which: Ended): Statement =>
  statement(`DELETE FROM sessions WHERE tenant_id = ?1 AND ${MEANT}`, ...bound(db, which));

/** Violates `used_logout_tokens` the second time. */
export const useLogoutToken = (db: TenantDb, providerId: string, jti: string, expiresAt: string): Statement =>
  statement(
    'INSERT INTO used_logout_tokens (tenant_id, provider_id, jti, expires_at) VALUES (?, ?, ?, ?)',
    ...[db.tenantId, providerId, jti, expiresAt],
  );
