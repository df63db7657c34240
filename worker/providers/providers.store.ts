import { z } from 'zod';
import { PROVIDER_PRESETS, PROVIDERS_LIMIT, type ProviderPreset } from '@gatehouse/core/api/identity-providers.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const providerRow = z.object({
  id: z.string(),
  name: z.string(),
  preset: z.enum(Object.keys(PROVIDER_PRESETS) as [ProviderPreset, ...ProviderPreset[]]),
  oidc: z.string().nullable(),
  oidc_state: z.enum(['off', 'on']),
  oidc_secret_expires_at: z.string().nullable(),
  oidc_error: z.string().nullable(),
  oidc_error_at: z.string().nullable(),
  oidc_used_at: z.string().nullable(),
  scim_error: z.string().nullable(),
  scim_error_at: z.string().nullable(),
  scim_used_at: z.string().nullable(),
  tokens: z.number(),
  token_expires_at: z.string().nullable(),
  people: z.number(),
  groups: z.number(),
  revision: z.number(),
  created_at: z.string(),
});
export type ProviderRow = z.infer<typeof providerRow>;

const FIELDS = `p.id, p.name, p.preset, p.oidc, p.oidc_state, p.oidc_secret_expires_at, p.oidc_error, p.oidc_error_at, p.oidc_used_at,
  p.scim_error, p.scim_error_at, p.scim_used_at, p.revision, p.created_at,
  (SELECT count(*) FROM scim_tokens t WHERE t.tenant_id = ?1 AND t.provider_id = p.id AND t.revoked_at IS NULL
    AND (t.expires_at IS NULL OR t.expires_at > ?2)) AS tokens,
  (SELECT max(t.expires_at) FROM scim_tokens t WHERE t.tenant_id = ?1 AND t.provider_id = p.id AND t.revoked_at IS NULL) AS token_expires_at,
  (SELECT count(*) FROM scim_users u WHERE u.tenant_id = ?1 AND u.provider_id = p.id
    AND u.deleted_at IS NULL) AS people,
  (SELECT count(*) FROM scim_groups g WHERE g.tenant_id = ?1 AND g.provider_id = p.id) AS groups`;

export async function findProviders(db: TenantDb, now: string): Promise<ProviderRow[]> {
  const sql = `SELECT ${FIELDS} FROM identity_providers p WHERE p.tenant_id = ?1 ORDER BY p.name`;
  return (await db.rows(sql, db.tenantId, now)).map((row) => providerRow.parse(row));
}

export async function findProvider(db: TenantDb, id: string, now: string): Promise<ProviderRow | undefined> {
  const row = await db.first(`SELECT ${FIELDS} FROM identity_providers p WHERE p.tenant_id = ?1 AND p.id = ?3`, db.tenantId, now, id);
  return row === undefined ? undefined : providerRow.parse(row);
}

/** Matches nothing when the limit is reached. */
export const insertProvider = (db: TenantDb, provider: { id: string; name: string; preset: ProviderPreset; now: string }): Statement =>
  statement(
    `INSERT INTO identity_providers (tenant_id, id, name, preset, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM identity_providers WHERE tenant_id = ?1) < ?6`,
    ...[db.tenantId, provider.id, provider.name, provider.preset, provider.now, PROVIDERS_LIMIT],
  );

/** Matches nothing when somebody else changed it since. */
export const renameProvider = (db: TenantDb, id: string, revision: number, name: string): Statement =>
  statement(
    'UPDATE identity_providers SET name = ?, revision = revision + 1 WHERE tenant_id = ? AND id = ? AND revision = ?',
    ...[name, db.tenantId, id, revision],
  );
