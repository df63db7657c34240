import { z } from 'zod';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({
  id: z.string(),
  provider_id: z.string(),
  provider_name: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  scim_used_at: z.string().nullable(),
  tenant_name: z.string(),
  slug: z.string(),
  region: z.enum(['auto', 'eu']),
  tenant_state: z.string(),
  tenant_created_at: z.string(),
});
export type CallerRow = z.infer<typeof row>;

/** The token with all that is asked about its bearer. */
export const callerQuery = (db: TenantDb, hash: string): Statement =>
  statement(
    `SELECT t.id, t.provider_id, p.name AS provider_name, t.expires_at, t.revoked_at, t.last_used_at, p.scim_used_at,
       o.name AS tenant_name, o.slug, o.region, o.state AS tenant_state, o.created_at AS tenant_created_at
     FROM scim_tokens t JOIN identity_providers p ON p.tenant_id = ?1 AND p.id = t.provider_id JOIN tenants o ON o.tenant_id = ?1
     WHERE t.tenant_id = ?1 AND t.secret_hash = ?2`,
    ...[db.tenantId, hash],
  );
export const callerFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): CallerRow | undefined =>
  rows?.[0] === undefined ? undefined : row.parse(rows[0]);

/** In a query that binds ?1 tenant and ?2 the token’s hash: the provider whose token it is, so that one trip asks for both. */
export const OF_PROVIDER = '(SELECT provider_id FROM scim_tokens WHERE tenant_id = ?1 AND secret_hash = ?2)';

/** A token and its provider were used just now. */
export const markUsed = (db: TenantDb, caller: Pick<CallerRow, 'id' | 'provider_id'>, now: string): Statement[] => [
  statement('UPDATE scim_tokens SET last_used_at = ?3 WHERE tenant_id = ?1 AND id = ?2', db.tenantId, caller.id, now),
  statement('UPDATE identity_providers SET scim_used_at = ?3 WHERE tenant_id = ?1 AND id = ?2', db.tenantId, caller.provider_id, now),
];

export const markFailed = (db: TenantDb, providerId: string, message: string, now: string): Statement =>
  statement(
    'UPDATE identity_providers SET scim_error = ?3, scim_error_at = ?4 WHERE tenant_id = ?1 AND id = ?2',
    ...[db.tenantId, providerId, message.slice(0, 500), now],
  );
