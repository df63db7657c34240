import { z } from 'zod';
import { PROVIDER_PRESETS, type ProviderPreset } from '@gatehouse/core/api/identity-providers.ts';
import { oidcConfig, type OidcConfig } from '@gatehouse/core/api/sso.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import { PROVIDER_OF_FLOW } from './flows.store.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const endpoint = z.string().max(2000);
const words = z.array(z.string()).default([]);
/** What is kept of a provider's own words, with the keys that it signs with. */
export const metadata = z.object({
  server: z.object({
    issuer: z.string(),
    authorization_endpoint: endpoint,
    token_endpoint: endpoint,
    jwks_uri: endpoint,
    userinfo_endpoint: endpoint.optional(),
    end_session_endpoint: endpoint.optional(),
    id_token_signing_alg_values_supported: words,
    code_challenge_methods_supported: z.array(z.string()).optional(),
    token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
    authorization_response_iss_parameter_supported: z.boolean().optional(),
    backchannel_logout_supported: z.boolean().optional(),
    scopes_supported: words,
    claims_supported: words,
    acr_values_supported: words,
  }),
  fetchedAt: z.string(),
  jwks: z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(50) }),
  keysAt: z.string(),
});
export type Metadata = z.infer<typeof metadata>;

const parsed = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .nullable()
    .transform((value): z.infer<T> | null => (value === null ? null : schema.parse(JSON.parse(value))));
const row = z.object({
  id: z.string(),
  name: z.string(),
  preset: z.enum(Object.keys(PROVIDER_PRESETS) as [ProviderPreset, ...ProviderPreset[]]),
  oidc: parsed(oidcConfig),
  oidc_secret: z.string().nullable(),
  oidc_secret_expires_at: z.string().nullable(),
  oidc_state: z.enum(['off', 'on']),
  oidc_metadata: parsed(metadata),
  oidc_error: z.string().nullable(),
  oidc_error_at: z.string().nullable(),
  oidc_warning: z.string().nullable(),
  oidc_warning_at: z.string().nullable(),
  revision: z.number(),
  /** SCIM keeps groups for it */
  keeps_groups: z.number(),
});
export type ConnectionRow = z.infer<typeof row>;
/** A provider that people can sign in through. */
export type Connected = ConnectionRow & { oidc: OidcConfig };

export const secretAddress = (id: string): SecretAddress => ({ table: 'identity_providers', column: 'oidc_secret', row: id });

const COLUMNS = `p.id, p.name, p.preset, p.oidc, p.oidc_secret, p.oidc_secret_expires_at, p.oidc_state, p.oidc_metadata, p.oidc_error,
  p.oidc_error_at, p.oidc_warning, p.oidc_warning_at, p.revision,
  EXISTS (SELECT 1 FROM scim_groups g WHERE g.tenant_id = p.tenant_id AND g.provider_id = p.id) AS keeps_groups`;

export async function findConnection(db: TenantDb, id: string): Promise<ConnectionRow | null> {
  const found = await db.first(`SELECT ${COLUMNS} FROM identity_providers p WHERE p.tenant_id = ? AND p.id = ?`, db.tenantId, id);
  return found === undefined ? null : row.parse(found);
}

/** The same for the provider of a flow, to be asked in the trip that uses the flow up, before it is. `connectionFrom` reads it. */
export const connectionOfFlow = (db: TenantDb, stateHash: string): Statement =>
  statement(
    `SELECT ${COLUMNS} FROM identity_providers p WHERE p.tenant_id = ?1 AND p.id = ${PROVIDER_OF_FLOW}`,
    ...[db.tenantId, stateHash],
  );
export const connectionFrom = (found: { rows: unknown[] } | undefined): ConnectionRow | null =>
  found?.rows[0] === undefined ? null : row.parse(found.rows[0]);

export async function findSwitchedOn(db: TenantDb): Promise<Connected[]> {
  const sql = `SELECT ${COLUMNS} FROM identity_providers p
    WHERE p.tenant_id = ? AND p.oidc IS NOT NULL AND p.oidc_state = 'on' ORDER BY p.name COLLATE NOCASE`;
  return (await db.rows(sql, db.tenantId)).map((each) => row.parse(each)).filter((each): each is Connected => each.oidc !== null);
}

export interface SetUp {
  config: OidcConfig | null;
  secret: string | null;
  secretExpiresAt: string | null;
  state: 'on' | 'off';
  metadata: Metadata | null;
}

/** Matches nothing when somebody else changed it since. What was wrong with the set-up before is forgotten. */
export const setUp = (db: TenantDb, id: string, revision: number, next: SetUp): Statement =>
  statement(
    `UPDATE identity_providers SET oidc = ?4, oidc_secret = ?5, oidc_secret_expires_at = ?6, oidc_state = ?7, oidc_metadata = ?8,
       oidc_error = NULL, oidc_error_at = NULL, oidc_warning = NULL, oidc_warning_at = NULL, revision = revision + 1
     WHERE tenant_id = ?1 AND id = ?2 AND revision = ?3`,
    ...[db.tenantId, id, revision, next.config && JSON.stringify(next.config), next.secret, next.secretExpiresAt, next.state],
    next.metadata && JSON.stringify(next.metadata),
  );

/** A copy of what the provider says of itself, unless it was set up for another issuer in the meantime. */
export const keepMetadata = (db: TenantDb, id: string, found: Metadata): Statement =>
  statement(
    `UPDATE identity_providers SET oidc_metadata = ?3 WHERE tenant_id = ?1 AND id = ?2
       AND rtrim(json_extract(oidc, '$.issuer'), '/') = rtrim(?4, '/')`,
    ...[db.tenantId, id, JSON.stringify(found), found.server.issuer],
  );

export const noteError = (db: TenantDb, id: string, message: string, now: string): Statement =>
  statement(
    'UPDATE identity_providers SET oidc_error = ?3, oidc_error_at = ?4 WHERE tenant_id = ?1 AND id = ?2',
    ...[db.tenantId, id, message.slice(0, 500), now],
  );

/** Somebody came in through it; with what whoever set it up should know. */
export const noteUse = (db: TenantDb, id: string, warning: string | null, now: string): Statement =>
  statement(
    `UPDATE identity_providers SET oidc_used_at = ?4, oidc_warning = coalesce(?3, oidc_warning),
       oidc_warning_at = CASE WHEN ?3 IS NULL THEN oidc_warning_at ELSE ?4 END WHERE tenant_id = ?1 AND id = ?2`,
    ...[db.tenantId, id, warning, now],
  );

export async function findProviderName(db: TenantDb, id: string): Promise<string | null> {
  const found = await db.first<{ name: string }>('SELECT name FROM identity_providers WHERE tenant_id = ? AND id = ?', db.tenantId, id);
  return found?.name ?? null;
}
