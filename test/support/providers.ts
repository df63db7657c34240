import { USER_SCHEMA } from '@gatehouse/core/scim/schema.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { services, unique, type Tenant } from './tenants.ts';

/** Beside the limit: the suites make more than an organisation may have. */
export const makeProvider = async (tenant: Tenant, name = `IdP ${unique()}`) => {
  const id = services().newId('identityProvider');
  const sql = "INSERT INTO identity_providers (tenant_id, id, name, preset, created_at) VALUES (?, ?, ?, 'other', ?)";
  await tenant.db.batch([statement(sql, tenant.id, id, name, new Date().toISOString())]);
  return id;
};

/** A provider, and a group that it keeps, as SCIM would have made it. @param people ids of those in it */
export async function insertDirectoryGroup(
  tenant: Tenant,
  providerId: string,
  displayName: string,
  people: readonly string[] = [],
): Promise<{ id: string; name: string }> {
  const id = services().newId('group');
  const now = new Date().toISOString();
  await tenant.db.batch([
    statement(
      "INSERT INTO groups (tenant_id, id, name, source, created_at) VALUES (?, ?, ?, 'scim', ?)",
      ...[tenant.id, id, displayName, now],
    ),
    statement(
      `INSERT INTO scim_groups (tenant_id, provider_id, group_id, display_name, external_id, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)`,
      ...[tenant.id, providerId, id, displayName, unique(), now],
    ),
    ...people.map((userId) =>
      statement("INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, 'user', ?)", tenant.id, id, userId),
    ),
  ]);
  return { id, name: displayName };
}

/** Somebody whom the directory says is there, or is not. */
export async function insertDirectoryUser(tenant: Tenant, providerId: string, userId: string, active: boolean): Promise<void> {
  const now = new Date().toISOString();
  const userName = `${unique()}@acme.test`;
  const resource = { schemas: [USER_SCHEMA], userName, emails: [{ value: userName }] };
  await tenant.db.batch([
    statement(
      `INSERT INTO scim_users (tenant_id, provider_id, user_id, user_name, active, resource, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?7, ?6, ?6)`,
      ...[tenant.id, providerId, userId, userName, active ? 1 : 0, now, JSON.stringify(resource)],
    ),
  ]);
}
