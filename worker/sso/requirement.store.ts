import { z } from 'zod';
import { TWO_OWN_FACTORS } from '../directory/owners.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({ user_id: z.string() });

export interface Stored {
  required: boolean;
  people: string[];
  providers: number;
}

export async function findRequirement(db: TenantDb): Promise<Stored> {
  const [tenant, people, providers] = await db.batch([
    statement('SELECT sso_required FROM tenants WHERE tenant_id = ?', db.tenantId),
    statement('SELECT user_id FROM break_glass WHERE tenant_id = ? ORDER BY user_id', db.tenantId),
    statement("SELECT count(*) AS n FROM identity_providers WHERE tenant_id = ? AND oidc IS NOT NULL AND oidc_state = 'on'", db.tenantId),
  ]);
  return {
    required: tenant?.rows[0]?.['sso_required'] === 1,
    people: (people?.rows ?? []).map((each) => row.parse(each).user_id),
    providers: Number(providers?.rows[0]?.['n'] ?? 0),
  };
}

/** Matches nothing when somebody else changed it since. */
export const setRequired = (db: TenantDb, before: boolean, after: boolean): Statement =>
  statement('UPDATE tenants SET sso_required = ? WHERE tenant_id = ? AND sso_required = ?', after ? 1 : 0, db.tenantId, before ? 1 : 0);

export const replacePeople = (db: TenantDb, people: readonly string[]): Statement[] => [
  statement('DELETE FROM break_glass WHERE tenant_id = ?', db.tenantId),
  statement(
    "INSERT INTO break_glass (tenant_id, user_id) SELECT ?1, id FROM users WHERE tenant_id = ?1 AND state = 'active' AND id IN (SELECT value FROM json_each(?2))",
    ...[db.tenantId, JSON.stringify(people)],
  ),
];

/** Who comes in by themselves with two factors. */
export async function withOwnFactors(db: TenantDb, people: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows(
    `SELECT u.id AS user_id FROM users u WHERE u.tenant_id = ?1 AND u.id IN (SELECT value FROM json_each(?2)) AND ${TWO_OWN_FACTORS}`,
    ...[db.tenantId, JSON.stringify(people)],
  );
  return new Set(rows.map((each) => row.parse(each).user_id));
}
