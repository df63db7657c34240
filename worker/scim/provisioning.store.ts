import { z } from 'zod';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Calls kept for a provider, the newest. */
export const KEPT_CALLS = 2_000;

const row = z.object({
  id: z.string(),
  time: z.string(),
  method: z.string(),
  path: z.string(),
  status: z.number(),
  outcome: z.string(),
  request: z.string().nullable(),
});
export type ProvisioningRow = z.infer<typeof row>;

export const insertCall = (db: TenantDb, providerId: string, call: ProvisioningRow): Statement =>
  statement(
    `INSERT INTO provisioning_calls (tenant_id, provider_id, id, time, method, path, status, outcome, request)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
    ...[db.tenantId, providerId, call.id, call.time, call.method, call.path, call.status, call.outcome, call.request],
  );

/** The oldest go, one call in thirty-two: the log is at most so many calls longer than it should be. */
export const trimCalls = (db: TenantDb, providerId: string, id: string): Statement[] =>
  id.endsWith('0')
    ? [
        statement(
          `DELETE FROM provisioning_calls WHERE tenant_id = ?1 AND provider_id = ?2 AND id <=
             (SELECT id FROM provisioning_calls WHERE tenant_id = ?1 AND provider_id = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)`,
          ...[db.tenantId, providerId, KEPT_CALLS],
        ),
      ]
    : [];

/** The newest first, one more than asked for. */
export async function findCalls(
  db: TenantDb,
  providerId: string,
  { limit, before, q, outcome }: { limit: number; before: string; q: string; outcome: 'all' | 'changed' | 'unchanged' | 'failed' },
): Promise<ProvisioningRow[]> {
  const rows = await db.rows(
    `SELECT id, time, method, path, status, outcome, request FROM provisioning_calls
     WHERE tenant_id = ?1 AND provider_id = ?2 AND (?3 = '' OR id < ?3)
       AND (?4 = '' OR instr(lower(method || ' ' || path || ' ' || outcome || ' ' || coalesce(request, '')), lower(?4)) > 0)
       AND CASE ?5 WHEN 'failed' THEN status >= 400
         WHEN 'changed' THEN status < 400 AND json_array_length(outcome, '$.changes') > 0
         WHEN 'unchanged' THEN status < 400 AND json_array_length(outcome, '$.changes') = 0 ELSE 1 END
     ORDER BY id DESC LIMIT ?6`,
    ...[db.tenantId, providerId, before, q, outcome, limit + 1],
  );
  return rows.map((each) => row.parse(each));
}
