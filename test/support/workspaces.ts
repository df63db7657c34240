import { statement } from '../../worker/platform/tenant-db.ts';
import { services, unique, type Tenant } from './tenants.ts';

/** An enrolled runner that has never dialled, straight into the store. @returns its id */
export async function insertRunner(tenant: Tenant): Promise<string> {
  const id = services().newId('runner');
  await tenant.db.batch([
    statement(
      `INSERT INTO runners (tenant_id, id, name, token_hash, identity_key, agreement_key, fingerprint, version, platform, labels, drivers, warnings, online, created_at)
       VALUES (?, ?, ?, ?, 'key', 'key', 'SHA256:1111', '0.1.0', 'linux-x64', '{}', '[]', '[]', 0, ?)`,
      ...[tenant.id, id, `runner-${unique()}`, unique(), new Date().toISOString()],
    ),
  ]);
  return id;
}

interface Stored {
  ownerId: string;
  name: string;
  desired: 'running' | 'stopped';
  phase: 'running' | 'stopped';
}

/** A workspace, left out: a stopped one of the tenant's owner, with all that it stands on. @returns its id */
export async function insertWorkspace(tenant: Tenant, stored: Partial<Stored> = {}): Promise<string> {
  const { newId } = services();
  const [id, templateId, versionId] = [newId('workspace'), newId('template'), newId('templateVersion')];
  const runnerId = await insertRunner(tenant);
  const now = new Date().toISOString();
  await tenant.db.batch([
    statement(
      `INSERT INTO templates (tenant_id, id, name, description, icon, version_id, revision, acl_revision, created_at) VALUES (?, ?, ?, '', 'code', ?, 1, 1, ?)`,
      ...[tenant.id, templateId, `template-${unique()}`, versionId, now],
    ),
    statement(
      `INSERT INTO template_versions (tenant_id, id, template_id, number, spec, created_by, created_at) VALUES (?, ?, ?, 1, '{}', ?, ?)`,
      ...[tenant.id, versionId, templateId, tenant.owner.id, now],
    ),
    statement(
      `INSERT INTO workspaces (tenant_id, id, name, owner_id, template_id, version_id, runner_id, desired, phase, generation, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
      ...[tenant.id, id, stored.name ?? `box-${unique()}`, stored.ownerId ?? tenant.owner.id, templateId, versionId, runnerId],
      ...[stored.desired ?? 'stopped', stored.phase ?? 'stopped', now],
    ),
  ]);
  return id;
}

/** A workspace of the tenant's owner that lies in the trash. @returns its id */
export async function insertTrashed(tenant: Tenant): Promise<string> {
  const id = await insertWorkspace(tenant);
  const now = new Date().toISOString();
  await tenant.db.batch([statement('UPDATE workspaces SET trashed_at = ? WHERE tenant_id = ? AND id = ?', now, tenant.id, id)]);
  return id;
}
