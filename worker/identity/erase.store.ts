import { ERASED_NAME } from '@gatehouse/core/api/erasure.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Takes the name of somebody who is deleted. Matches nothing while they are not. */
export const takeName = (db: TenantDb, id: string): Statement =>
  statement(`UPDATE users SET name = ?3 WHERE tenant_id = ?1 AND id = ?2 AND state = 'deactivated'`, db.tenantId, id, ERASED_NAME);

/** What a deletion leaves besides the name: where they connected from, what they called their tokens, what they wrote. */
export const takeTraces = (db: TenantDb, id: string): Statement[] => [
  statement('UPDATE connections SET ip = NULL WHERE tenant_id = ? AND user_id = ?', db.tenantId, id),
  statement(
    `UPDATE api_tokens SET name = 'token', last_used_from = NULL WHERE tenant_id = ? AND owner_type = 'user' AND owner_id = ?`,
    db.tenantId,
    id,
  ),
  statement(
    `DELETE FROM provisioning_calls WHERE tenant_id = ?1 AND instr(path || outcome || coalesce(request, ''), ?2) > 0`,
    ...[db.tenantId, id],
  ),
  statement(`UPDATE access_requests SET reason = '', note = NULL WHERE tenant_id = ? AND user_id = ?`, db.tenantId, id),
];
