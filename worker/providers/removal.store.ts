import { z } from 'zod';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** What hangs on a provider, and what its removal does to it. */

const counts = z.object({
  accounts: z.number(),
  people: z.number(),
  required: z.number(),
  /** that are switched on beside this one */
  others: z.number(),
});
const role = z.object({
  role: z.string(),
  title: z.string().nullable(),
  permissions: z.string().nullable(),
  id: z.string(),
  name: z.string(),
});
const group = z.object({ id: z.string(), name: z.string(), source: z.enum(['scim', 'oidc', 'local']), people: z.number() });
const domain = z.object({ domain: z.string() });

export interface Hanging extends z.infer<typeof counts> {
  /** given by its claims to people, one by one */
  roles: Array<z.infer<typeof role>>;
  groups: Array<z.infer<typeof group>>;
  domains: string[];
}

/** Its groups, however it names them. Binds ?1 tenant, ?2 provider. */
const ITS_GROUPS = `(SELECT group_id FROM scim_groups WHERE tenant_id = ?1 AND provider_id = ?2
  UNION SELECT group_id FROM sso_groups WHERE tenant_id = ?1 AND provider_id = ?2)`;

export async function findHanging(db: TenantDb, providerId: string): Promise<Hanging> {
  const bound = [db.tenantId, providerId];
  const [counted, roles, groups, domains] = await db.batch([
    statement(
      `SELECT (SELECT count(*) FROM identities WHERE tenant_id = ?1 AND provider_id = ?2) AS accounts,
         (SELECT count(*) FROM scim_users WHERE tenant_id = ?1 AND provider_id = ?2 AND deleted_at IS NULL) AS people,
         (SELECT sso_required FROM tenants WHERE tenant_id = ?1) AS required,
         (SELECT count(*) FROM identity_providers WHERE tenant_id = ?1 AND id <> ?2 AND oidc IS NOT NULL AND oidc_state = 'on') AS others`,
      ...bound,
    ),
    statement(
      `SELECT a.role, r.name AS title, r.permissions, u.id, u.name FROM role_assignments a
       JOIN users u ON u.tenant_id = ?1 AND u.id = a.subject_id LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role
       WHERE a.tenant_id = ?1 AND a.subject_type = 'user' AND a.created_by = ?2 ORDER BY a.role, u.name`,
      ...bound,
    ),
    statement(
      `SELECT g.id, g.name, g.source,
         (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id AND m.member_type = 'user') AS people
       FROM groups g WHERE g.tenant_id = ?1 AND g.id IN ${ITS_GROUPS} ORDER BY g.name COLLATE NOCASE`,
      ...bound,
    ),
    statement('SELECT domain FROM mail_domains WHERE tenant_id = ? AND provider_id = ? ORDER BY domain', ...bound),
  ]);
  return {
    ...counts.parse(counted?.rows[0]),
    roles: (roles?.rows ?? []).map((each) => role.parse(each)),
    groups: (groups?.rows ?? []).map((each) => group.parse(each)),
    domains: (domains?.rows ?? []).map((each) => domain.parse(each).domain),
  };
}

/** People who have a role or a group by the provider. */
export async function countLosing(db: TenantDb, providerId: string): Promise<number> {
  const found = await db.first<{ n: number }>(
    `SELECT count(*) AS n FROM (
       SELECT subject_id AS id FROM role_assignments WHERE tenant_id = ?1 AND subject_type = 'user' AND created_by = ?2
       UNION SELECT m.member_id FROM ${ITS_GROUPS} i CROSS JOIN group_members m
         ON m.tenant_id = ?1 AND m.group_id = i.group_id AND m.member_type = 'user')`,
    ...[db.tenantId, providerId],
  );
  return found?.n ?? 0;
}

/** Matches nothing where it is the only one that people may come in through. */
export const deleteProvider = (db: TenantDb, id: string): Statement =>
  statement(
    `DELETE FROM identity_providers WHERE tenant_id = ?1 AND id = ?2
       AND (EXISTS (SELECT 1 FROM tenants WHERE tenant_id = ?1 AND sso_required = 0)
         OR EXISTS (SELECT 1 FROM identity_providers WHERE tenant_id = ?1 AND id <> ?2 AND oidc IS NOT NULL AND oidc_state = 'on'))`,
    ...[db.tenantId, id],
  );

/** Undoes its batch where the provider has got a group since: nobody could change that one any more. `isDisturbed` knows it. */
export const noOtherGroups = (db: TenantDb, providerId: string, groupIds: readonly string[]): Statement =>
  statement(
    `INSERT INTO groups (tenant_id, id, name, source, created_at) SELECT ?1, 'more', NULL, 'local', ''
     WHERE EXISTS (SELECT 1 FROM groups g WHERE g.tenant_id = ?1 AND g.id IN ${ITS_GROUPS}
       AND g.id NOT IN (SELECT value FROM json_each(?3)))`,
    ...[db.tenantId, providerId, JSON.stringify(groupIds)],
  );

export const endRoles = (db: TenantDb, providerId: string): Statement =>
  statement("DELETE FROM role_assignments WHERE tenant_id = ? AND subject_type = 'user' AND created_by = ?", db.tenantId, providerId);

/** What it gave, and its mappings, stays: as if whoever removes it had given it by hand. */
export const keepGiven = (db: TenantDb, givers: readonly string[], groupIds: readonly string[], by: string): Statement[] => {
  const among = 'IN (SELECT value FROM json_each(?2))';
  const own = [db.tenantId, JSON.stringify(givers)];
  return [
    statement(`UPDATE role_assignments SET created_by = ?3 WHERE tenant_id = ?1 AND created_by ${among}`, ...own, by),
    statement(`UPDATE template_acl SET created_by = ?3 WHERE tenant_id = ?1 AND created_by ${among}`, ...own, by),
    statement(`UPDATE group_members SET given_by = NULL WHERE tenant_id = ?1 AND given_by ${among}`, ...own),
    statement(
      `UPDATE groups SET source = 'local', revision = revision + 1 WHERE tenant_id = ?1 AND id ${among}`,
      ...[db.tenantId, JSON.stringify(groupIds)],
    ),
  ];
};

const OWN_TABLES = [
  ...['identities', 'sso_flows', 'sso_groups', 'used_logout_tokens'],
  ...['scim_tokens', 'scim_users', 'scim_groups', 'provisioning_calls', 'group_mappings'],
];

/** What was kept for a provider that is gone. */
export const forgetProvider = (db: TenantDb, id: string): Statement[] => [
  ...OWN_TABLES.map((table) => statement(`DELETE FROM ${table} WHERE tenant_id = ? AND provider_id = ?`, db.tenantId, id)),
  statement('UPDATE mail_domains SET provider_id = NULL WHERE tenant_id = ? AND provider_id = ?', db.tenantId, id),
];
