import { statement } from '../../worker/platform/tenant-db.ts';
import type { Site } from './site.ts';
import { services, type Tenant } from './tenants.ts';

/** So old that the sweep takes it for left behind. */
export const LONG_AGO = '2026-01-01T00:00:00.000Z';

export const tasksOf = (tenant: Tenant) => tenant.db.rows<{ id: string }>('SELECT id FROM revocations WHERE tenant_id = ?', tenant.id);

/** Connections that count as open. */
export const openRows = (tenant: Tenant) =>
  tenant.db.rows<{ id: string }>('SELECT id FROM connections WHERE tenant_id = ? AND ended_at IS NULL ORDER BY id', tenant.id);

/** A task to look at everybody, as a change keeps it. @returns its id */
export async function keptTask(tenant: Tenant, createdAt: string): Promise<string> {
  const id = services().newId('revocation');
  await tenant.db.batch([
    statement(
      "INSERT INTO revocations (tenant_id, id, users, cause, created_at) VALUES (?, ?, NULL, 'A test', ?)",
      ...[tenant.id, id, createdAt],
    ),
  ]);
  return id;
}

/** Empties the template's list, without any task: what a change would do whose revocation has not run yet. */
export const takeAclAway = ({ tenant, templateId }: Pick<Site, 'tenant' | 'templateId'>) =>
  tenant.db.batch([statement('DELETE FROM template_acl WHERE tenant_id = ? AND template_id = ?', tenant.id, templateId)]);

export const isOpen = ({ socket }: { socket: WebSocket }): boolean => socket.readyState === WebSocket.OPEN;
