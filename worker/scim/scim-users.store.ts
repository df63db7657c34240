import { z } from 'zod';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { DirectoryPerson } from '@gatehouse/core/scim/person.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { OF_PROVIDER } from './call.store.ts';
import type { ListQuery } from './list-query.ts';

const person = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  email_verified_at: z.string().nullable(),
  state: z.enum(['active', 'suspended', 'deactivated']),
  suspended_by: z.enum(['hand', 'directory']).nullable(),
});
export type PersonRow = z.infer<typeof person>;

const groupEntry = z.object({ value: z.string(), display: z.string() });
const row = person.extend({
  external_id: z.string().nullable(),
  active: z.number(),
  resource: z.string(),
  version: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  /** null: they were not asked for */
  groups: z.string().nullable(),
});
export type ScimUserRow = z.infer<typeof row>;
export const scimUsersFrom = (found: { rows: ReadonlyArray<Record<string, unknown>> } | undefined): ScimUserRow[] =>
  (found?.rows ?? []).map((each) => row.parse(each));
export const groupsOf = ({ groups }: ScimUserRow): Array<z.infer<typeof groupEntry>> =>
  groups === null ? [] : z.array(groupEntry).parse(JSON.parse(groups));

const GROUPS = `(SELECT json_group_array(json_object('value', g.group_id, 'display', g.display_name)) FROM group_members m
    CROSS JOIN scim_groups g ON g.tenant_id = ?1 AND g.provider_id = s.provider_id AND g.group_id = m.group_id
    WHERE m.tenant_id = ?1 AND m.member_type = 'user' AND m.member_id = s.user_id)`;
const COLUMNS = (withGroups: boolean) => `u.id, u.name, u.email, u.email_verified_at, u.state, u.suspended_by,
  s.external_id, s.active, s.resource, s.version, s.created_at, s.updated_at, ${withGroups ? GROUPS : 'NULL'} AS groups`;
const FROM = `FROM scim_users s JOIN users u ON u.tenant_id = ?1 AND u.id = s.user_id
  WHERE s.tenant_id = ?1 AND s.provider_id = ${OF_PROVIDER} AND s.deleted_at IS NULL`;

export const scimUserQuery = (db: TenantDb, hash: string, id: string, withGroups: boolean): Statement =>
  statement(`SELECT ${COLUMNS(withGroups)} ${FROM} AND s.user_id = ?3`, db.tenantId, hash, id);

/** One page, and how many there are. */
export function scimUsersQueries(
  db: TenantDb,
  hash: string,
  { where, orderBy, startIndex, count }: ListQuery,
  withGroups: boolean,
): Statement[] {
  const values = JSON.stringify(where.values);
  return [
    statement(`SELECT count(*) AS total ${FROM} AND ${where.sql} AND ?3 IS NOT NULL`, db.tenantId, hash, values),
    statement(
      `SELECT ${COLUMNS(withGroups)} ${FROM} AND ${where.sql} AND ?3 IS NOT NULL ORDER BY ${orderBy} LIMIT ?4 OFFSET ?5`,
      ...[db.tenantId, hash, values, count, startIndex - 1],
    ),
  ];
}
export const totalFrom = (found: { rows: ReadonlyArray<Record<string, unknown>> } | undefined): number =>
  z.object({ total: z.number() }).parse(found?.rows[0]).total;

/** Domains that the organisation has proved to be its own. */
export const domainsQuery = (db: TenantDb): Statement =>
  statement('SELECT domain, provider_id FROM mail_domains WHERE tenant_id = ? AND verified_at IS NOT NULL LIMIT 200', db.tenantId);
const domain = z.object({ domain: z.string(), provider_id: z.string().nullable() });
export const domainsFrom = (found: { rows: ReadonlyArray<Record<string, unknown>> } | undefined): Map<string, string | null> =>
  new Map((found?.rows ?? []).map((each) => domain.parse(each)).map((each) => [each.domain, each.provider_id]));

const holder = person.extend({
  /** this provider had them before and let go */
  had_before: z.number(),
  /** which provider keeps them now */
  kept_by: z.string().nullable(),
});
export type HolderRow = z.infer<typeof holder>;

/** Whoever stands in the way of somebody new: who has the user name here, and who has the address. */
export const obstaclesQueries = (
  db: TenantDb,
  hash: string,
  { userName, email }: Pick<DirectoryPerson, 'userName' | 'email'>,
): Statement[] => [
  statement(
    `SELECT user_id AS id FROM scim_users WHERE tenant_id = ?1 AND provider_id = ${OF_PROVIDER} AND user_name = ?3 AND deleted_at IS NULL`,
    ...[db.tenantId, hash, userName.toLowerCase()],
  ),
  statement(
    `SELECT u.id, u.name, u.email, u.email_verified_at, u.state, u.suspended_by,
       EXISTS (SELECT 1 FROM scim_users b WHERE b.tenant_id = ?1 AND b.provider_id = ${OF_PROVIDER} AND b.user_id = u.id) AS had_before,
       (SELECT p.name FROM scim_users k JOIN identity_providers p ON p.tenant_id = ?1 AND p.id = k.provider_id
         WHERE k.tenant_id = ?1 AND k.user_id = u.id AND k.deleted_at IS NULL LIMIT 1) AS kept_by
     FROM users u WHERE u.tenant_id = ?1 AND u.email = ?3`,
    ...[db.tenantId, hash, email],
  ),
];
export const holderFrom = (found: { rows: ReadonlyArray<Record<string, unknown>> } | undefined): HolderRow | undefined =>
  found?.rows[0] === undefined ? undefined : holder.parse(found.rows[0]);
export const idFrom = (found: { rows: ReadonlyArray<Record<string, unknown>> } | undefined): string | null =>
  found?.rows[0] === undefined ? null : z.string().parse(found.rows[0]['id']);

/** What a person is to be. */
export type Wanted = Pick<PersonRow, 'id' | 'name' | 'email' | 'email_verified_at' | 'state' | 'suspended_by'>;

/** Matches nothing when the organisation is full. */
export const insertPerson = (db: TenantDb, person: Wanted, now: string): Statement =>
  statement(
    `INSERT INTO users (tenant_id, id, email, name, state, suspended_by, email_verified_at, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') < ?9`,
    ...[db.tenantId, person.id, person.email, person.name, person.state, person.suspended_by, person.email_verified_at, now, QUOTAS.users],
  );

/** Nobody changed the person since they were read. Binds ?3 to ?6. */
const UNCHANGED = 'state = ?3 AND suspended_by IS ?4 AND name = ?5 AND email = ?6';
const seen = ({ state, suspended_by, name, email }: PersonRow) => [state, suspended_by, name, email];

export const updatePerson = (db: TenantDb, before: PersonRow, now: Wanted): Statement =>
  statement(
    `UPDATE users SET name = ?7, email = ?8, email_verified_at = ?9, state = ?10, suspended_by = ?11
     WHERE tenant_id = ?1 AND id = ?2 AND ${UNCHANGED}`,
    ...[db.tenantId, before.id, ...seen(before), now.name, now.email, now.email_verified_at, now.state, now.suspended_by],
  );

/** The same for somebody whom no directory keeps. Matches nothing when somebody changed the person since, or one keeps them now. */
export const takeOver = (db: TenantDb, before: PersonRow, now: Wanted): Statement => {
  const { sql, params } = updatePerson(db, before, now).toSQL();
  return statement(
    `${sql} AND NOT EXISTS (SELECT 1 FROM scim_users WHERE tenant_id = ?1 AND user_id = ?2 AND deleted_at IS NULL)`,
    ...params,
  );
};

/** Links in mails to an address that is not theirs any more. */
export const forgetAddress = (db: TenantDb, id: string): Statement[] =>
  ['email_verifications', 'password_resets'].map((table) =>
    statement(`DELETE FROM ${table} WHERE tenant_id = ? AND user_id = ?`, db.tenantId, id),
  );

export interface Kept {
  id: string;
  userName: string;
  externalId: string | null;
  active: boolean;
  resource: string;
}

/** Somebody new to this provider, or back again. */
export const keepUser = (db: TenantDb, providerId: string, kept: Kept, now: string): Statement =>
  statement(
    `INSERT INTO scim_users (tenant_id, provider_id, user_id, user_name, external_id, active, resource, created_at, updated_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
     ON CONFLICT (tenant_id, provider_id, user_id) DO UPDATE SET user_name = excluded.user_name, external_id = excluded.external_id,
       active = excluded.active, resource = excluded.resource, version = 1,
       created_at = excluded.created_at, updated_at = excluded.updated_at, deleted_at = NULL
     WHERE deleted_at IS NOT NULL`,
    ...[db.tenantId, providerId, kept.id, kept.userName.toLowerCase(), kept.externalId, kept.active ? 1 : 0, kept.resource, now],
  );

/** Matches nothing when another call changed it since, or somebody changed the person. */
export const changeUser = (db: TenantDb, providerId: string, before: PersonRow & { version: number }, kept: Kept, now: string): Statement =>
  statement(
    `UPDATE scim_users SET user_name = ?9, external_id = ?10, active = ?11, resource = ?12, version = version + 1, updated_at = ?13
     WHERE tenant_id = ?1 AND provider_id = ?7 AND user_id = ?2 AND version = ?8 AND deleted_at IS NULL
       AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?2 AND ${UNCHANGED})`,
    ...[db.tenantId, before.id, ...seen(before), providerId, before.version],
    ...[kept.userName.toLowerCase(), kept.externalId, kept.active ? 1 : 0, kept.resource, now],
  );

/** Lets go of somebody, who is out of this directory’s groups with it. Matches nothing when another call changed it since. */
export const releaseUser = (db: TenantDb, providerId: string, before: PersonRow & { version: number }, now: string): Statement =>
  statement(
    `UPDATE scim_users SET deleted_at = ?9, active = 0, version = version + 1
     WHERE tenant_id = ?1 AND provider_id = ?7 AND user_id = ?2 AND version = ?8 AND deleted_at IS NULL
       AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?2 AND ${UNCHANGED})`,
    ...[db.tenantId, before.id, ...seen(before), providerId, before.version, now],
  );
export const leaveGroups = (db: TenantDb, providerId: string, id: string): Statement =>
  statement(
    `DELETE FROM group_members WHERE tenant_id = ?1 AND member_type = 'user' AND member_id = ?3
       AND group_id IN (SELECT group_id FROM scim_groups WHERE tenant_id = ?1 AND provider_id = ?2)`,
    ...[db.tenantId, providerId, id],
  );
