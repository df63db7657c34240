import { z } from 'zod';
import { SCIM_TOKENS_LIVE } from '@gatehouse/core/api/scim.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Of tokens that are over, the last ones are shown. */
const SHOWN = 20;

const row = z.object({
  id: z.string(),
  created_at: z.string(),
  creator: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
});
export type ScimTokenRow = z.infer<typeof row>;

const SELECT = `SELECT t.id, t.created_at, coalesce(u.name, 'somebody') AS creator, t.expires_at, t.revoked_at, t.last_used_at
  FROM scim_tokens t LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = t.created_by WHERE t.tenant_id = ?1 AND t.provider_id = ?2`;

export const findTokens = async (db: TenantDb, providerId: string): Promise<ScimTokenRow[]> =>
  (await db.rows(`${SELECT} ORDER BY t.id DESC LIMIT ?3`, db.tenantId, providerId, SHOWN)).map((each) => row.parse(each));

export const findToken = async (db: TenantDb, providerId: string, id: string): Promise<ScimTokenRow | undefined> =>
  (await db.rows(`${SELECT} AND t.id = ?3`, db.tenantId, providerId, id)).map((each) => row.parse(each))[0];

interface NewToken {
  id: string;
  providerId: string;
  secretHash: string;
  createdAt: string;
  createdBy: string;
  expiresAt: string;
}

/** Matches nothing while two tokens work. */
export const insertToken = (db: TenantDb, token: NewToken): Statement =>
  statement(
    `INSERT INTO scim_tokens (tenant_id, id, provider_id, secret_hash, created_at, created_by, expires_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM scim_tokens WHERE tenant_id = ?1 AND provider_id = ?3
       AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?5)) < ?8`,
    ...[db.tenantId, token.id, token.providerId, token.secretHash, token.createdAt, token.createdBy, token.expiresAt, SCIM_TOKENS_LIVE],
  );

/** Matches nothing when it is revoked already. */
export const revokeToken = (db: TenantDb, providerId: string, id: string, now: string): Statement =>
  statement(
    'UPDATE scim_tokens SET revoked_at = ?4 WHERE tenant_id = ?1 AND provider_id = ?2 AND id = ?3 AND revoked_at IS NULL',
    ...[db.tenantId, providerId, id, now],
  );

/** Tokens that are long over: their events tell of them. */
export const dropOld = (db: TenantDb, providerId: string): Statement =>
  statement(
    `DELETE FROM scim_tokens WHERE tenant_id = ?1 AND provider_id = ?2 AND id <
       (SELECT id FROM scim_tokens WHERE tenant_id = ?1 AND provider_id = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)
       AND (revoked_at IS NOT NULL OR expires_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`,
    ...[db.tenantId, providerId, SHOWN],
  );
