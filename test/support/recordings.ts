import { statement } from '../../worker/platform/tenant-db.ts';
import { ensureRecordingKey } from '../../worker/workspaces/recording-keys.ts';
import { services, type Tenant } from './tenants.ts';
import { insertWorkspace } from './workspaces.ts';

/** A finished recording without slices, straight into the store. @returns its id */
export async function insertRecording(tenant: Tenant): Promise<string> {
  const { newId } = services();
  const [id, workspaceId] = [newId('recording'), await insertWorkspace(tenant)];
  const key = await ensureRecordingKey({ ...services(), db: tenant.db });
  const now = new Date().toISOString();
  await tenant.db.batch([
    statement(
      `INSERT INTO recordings (tenant_id, id, title, workspace_id, workspace_name, template_id, template_name, person_id, person_name,
         runner_id, terminal_id, key_id, started_at, ended_at)
       SELECT ?1, ?2, 'Terminal 1', w.id, w.name, w.template_id, 'template', w.owner_id, 'Olga Owner', w.runner_id, 'one', ?3, ?4, ?4
       FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?5`,
      ...[tenant.id, id, key.id, now, workspaceId],
    ),
  ]);
  return id;
}
