import { z } from 'zod';
import { OWNER_TYPES, scope, TOKENS_EACH, type TOKEN_STATES } from '@gatehouse/core/api/tokens.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** A scope that this release does not know gives nothing. */
const scopes = z
  .string()
  .transform((value) => z.array(z.string()).parse(JSON.parse(value)))
  .transform((names) => names.flatMap((name) => scope.safeParse(name).data ?? []));
const networks = z.string().transform((value) => z.array(z.string()).parse(JSON.parse(value)));

export const tokenRow = z.object({
  id: z.string(),
  owner_type: z.enum(OWNER_TYPES),
  owner_id: z.string(),
  owner_name: z.string(),
  name: z.string(),
  scopes,
  networks,
  created_at: z.string(),
  creator: z.string(),
  expires_at: z.string(),
  revoked_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  last_used_from: z.string().nullable(),
});
export type TokenRow = z.infer<typeof tokenRow>;

/** Alias `k` in front, for conditions. Whoever made or owns a token may be a service account. */
const SELECT = `SELECT k.id, k.owner_type, k.owner_id, coalesce(u.name, s.name, k.owner_id) AS owner_name, k.name, k.scopes, k.networks,
    k.created_at, coalesce(m.name, k.created_by) AS creator, k.expires_at, k.revoked_at, k.last_used_at, k.last_used_from
  FROM api_tokens k
  LEFT JOIN users u ON u.tenant_id = ?1 AND k.owner_type = 'user' AND u.id = k.owner_id
  LEFT JOIN service_accounts s ON s.tenant_id = ?1 AND k.owner_type = 'service-account' AND s.id = k.owner_id
  LEFT JOIN users m ON m.tenant_id = ?1 AND m.id = k.created_by
  WHERE k.tenant_id = ?1`;

export interface TokenFilter {
  limit: number;
  /** id before which the page begins; '' for the newest */
  before: string;
  q: string | null;
  state: (typeof TOKEN_STATES)[number] | null;
  owner: string | null;
  now: string;
}

/** The newest first. Sorts after every id: '~'. */
export async function pageOfTokens(db: TenantDb, filter: TokenFilter): Promise<TokenRow[]> {
  const rows = await db.rows(
    `${SELECT} AND k.id < ?2 AND (?3 IS NULL OR k.owner_id = ?3)
       AND (?4 IS NULL OR instr(lower(k.name), lower(?4)) > 0 OR instr(lower(coalesce(u.name, s.name, '')), lower(?4)) > 0)
       AND (?5 IS NULL OR ?5 = CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= ?6 THEN 'expired' ELSE 'active' END)
     ORDER BY k.id DESC LIMIT ?7`,
    ...[db.tenantId, filter.before === '' ? 'tok_~' : filter.before, filter.owner, filter.q, filter.state, filter.now, filter.limit + 1],
  );
  return rows.map((row) => tokenRow.parse(row));
}

export async function tokensById(db: TenantDb, ids: readonly string[]): Promise<TokenRow[]> {
  const rows = await db.rows(`${SELECT} AND k.id IN (SELECT value FROM json_each(?2))`, db.tenantId, JSON.stringify(ids));
  return rows.map((row) => tokenRow.parse(row));
}

export interface NewToken {
  id: string;
  secretHash: string;
  owner: { type: (typeof OWNER_TYPES)[number]; id: string };
  name: string;
  scopes: readonly string[];
  networks: readonly string[];
  createdAt: string;
  createdBy: string;
  expiresAt: string;
}

/** Matches nothing when the owner is not active, or has as many tokens as anybody may have. */
export function insertToken(db: TenantDb, token: NewToken): Statement {
  const owners = token.owner.type === 'user' ? 'users' : 'service_accounts';
  return statement(
    `INSERT INTO api_tokens (tenant_id, id, secret_hash, owner_type, owner_id, name, scopes, networks, created_at, created_by, expires_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
     WHERE EXISTS (SELECT 1 FROM ${owners} WHERE tenant_id = ?1 AND id = ?5 AND state = 'active')
       AND (SELECT count(*) FROM api_tokens WHERE tenant_id = ?1 AND owner_type = ?4 AND owner_id = ?5 AND revoked_at IS NULL
         AND expires_at > ?9) < ?12`,
    ...[db.tenantId, token.id, token.secretHash, token.owner.type, token.owner.id, token.name],
    ...[JSON.stringify(token.scopes), JSON.stringify(token.networks), token.createdAt, token.createdBy, token.expiresAt, TOKENS_EACH],
  );
}

/** All of them or none: matches nothing when one is revoked already. */
export const revokeTokens = (db: TenantDb, ids: readonly string[], now: string): Statement =>
  statement(
    `UPDATE api_tokens SET revoked_at = ?3 WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))
       AND json_array_length(?2) = (SELECT count(*) FROM api_tokens WHERE tenant_id = ?1
         AND id IN (SELECT value FROM json_each(?2)) AND revoked_at IS NULL)`,
    ...[db.tenantId, JSON.stringify(ids), now],
  );

/** When and from where it was used, at most once in a while. @param since an older mark is renewed */
export const markUsed = (db: TenantDb, id: string, now: string, since: string, ip: string | null): Statement =>
  statement(
    `UPDATE api_tokens SET last_used_at = ?3, last_used_from = ?5
     WHERE tenant_id = ?1 AND id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?4)`,
    ...[db.tenantId, id, now, since, ip],
  );
