import { aclShown } from '@gatehouse/core/api/templates.ts';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import type { AclSubject, TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { api, read, services, unique, type Answer, type Tenant } from './tenants.ts';

/** What an access list is written with, in a test's words. */
export interface Entry {
  subject: AclSubject;
  role: TemplateRole;
  expiresAt?: string | null;
  grantId?: string | null;
}

export const makeTemplate = async (tenant: Tenant, name = `x-${unique()}`): Promise<string> =>
  read(await api(tenant.owner).post('/templates', { name }), templateDetail).id;

/** Writes the whole list, as the owner saw it last. */
export async function writeAcl(tenant: Tenant, templateId: string, items: Entry[]): Promise<Answer> {
  const { headers } = await api(tenant.owner).get(`/templates/${templateId}/acl`);
  return api(tenant.owner).put(`/templates/${templateId}/acl`, { items }, { 'If-Match': headers.get('ETag') ?? '' });
}

export const aclOf = async (tenant: Tenant, templateId: string) =>
  read(await api(tenant.owner).get(`/templates/${templateId}/acl`), aclShown);

/** A group with these members, straight into the store. @returns its id */
export async function insertGroup(
  tenant: Tenant,
  name: string,
  members: Array<{ type: 'user' | 'group'; id: string }> = [],
): Promise<string> {
  const id = services().newId('group');
  await tenant.db.batch([
    statement(
      `INSERT INTO groups (tenant_id, id, name, source, created_at) VALUES (?, ?, ?, 'local', ?)`,
      ...[tenant.id, id, name, new Date().toISOString()],
    ),
    ...members.map((member) => addMember(tenant, id, member)),
  ]);
  return id;
}

export const addMember = (
  tenant: Tenant,
  groupId: string,
  { type, id }: { type: 'user' | 'group'; id: string },
  expiresAt: string | null = null,
) =>
  statement(
    'INSERT INTO group_members (tenant_id, group_id, member_type, member_id, expires_at) VALUES (?, ?, ?, ?, ?)',
    ...[tenant.id, groupId, type, id, expiresAt],
  );

/** Gives a tenant-wide role, straight into the store. @returns the id of the assignment */
export async function assignRole(
  tenant: Tenant,
  role: string,
  subject: { type: 'user' | 'group'; id: string },
  expiresAt: string | null = null,
) {
  const id = services().newId('roleAssignment');
  await tenant.db.batch([
    statement(
      'INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[tenant.id, id, role, subject.type, subject.id, expiresAt, new Date().toISOString()],
    ),
  ]);
  return id;
}

export const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
