import { z } from 'zod';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const PURPOSES = ['sign-in', 'step-up', 'test'] as const;
export type Purpose = (typeof PURPOSES)[number];

const row = z.object({
  provider_id: z.string(),
  purpose: z.enum(PURPOSES),
  session_id: z.string().nullable(),
  nonce: z.string(),
  verifier: z.string(),
  return_to: z.string(),
  created_at: z.string(),
});
export type Flow = z.infer<typeof row>;

/** On their way at once, in one organisation. */
const FLOWS_LIMIT = 5_000;

export const verifierAddress = (stateHash: string): SecretAddress => ({ table: 'sso_flows', column: 'verifier', row: stateHash });

/** Matches nothing when too many are on their way. */
export const insertFlow = (
  db: TenantDb,
  flow: Omit<Flow, 'created_at'> & { stateHash: string; browserHash: string; now: string; expiresAt: string },
): Statement =>
  statement(
    `INSERT INTO sso_flows (tenant_id, state_hash, provider_id, purpose, browser_hash, session_id, nonce, verifier, return_to, created_at, expires_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE (SELECT count(*) FROM sso_flows WHERE tenant_id = ?1 AND expires_at > ?10) < ?12`,
    ...[db.tenantId, flow.stateHash, flow.provider_id, flow.purpose, flow.browserHash, flow.session_id, flow.nonce, flow.verifier],
    ...[flow.return_to, flow.now, flow.expiresAt, FLOWS_LIMIT],
  );

/** Uses a flow up: once, and only for the browser that began it. `flowFrom` reads what comes of it. */
export const takeFlow = (db: TenantDb, stateHash: string, browserHash: string, now: string): Statement =>
  statement(
    `DELETE FROM sso_flows WHERE tenant_id = ? AND state_hash = ? AND browser_hash = ? AND expires_at > ?
     RETURNING provider_id, purpose, session_id, nonce, verifier, return_to, created_at`,
    ...[db.tenantId, stateHash, browserHash, now],
  );
export const flowFrom = (found: { rows: unknown[] } | undefined): Flow | null =>
  found?.rows[0] === undefined ? null : row.parse(found.rows[0]);

/** SQL of the provider that a flow goes through. Binds ?1 tenant, ?2 hash of the state. */
export const PROVIDER_OF_FLOW = '(SELECT provider_id FROM sso_flows WHERE tenant_id = ?1 AND state_hash = ?2)';
