import { z } from 'zod';
import { WORKSPACE_PHASES, type WorkspaceOrder, type WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { runnerPolicyOf } from '@gatehouse/core/access/enforcement.ts';
import { policiesFrom, policiesOf, policyQuery } from '../directory/policies.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { ensureRecordingKey } from './recording-keys.ts';
import { signRunnerPolicy } from './runner-keys.ts';
import { parseSpec } from './templates.store.ts';

const row = z.object({
  id: z.string(),
  name: z.string(),
  owner_id: z.string(),
  owner_name: z.string(),
  template_id: z.string(),
  template_name: z.string(),
  version_number: z.number(),
  runner_id: z.string(),
  runner_name: z.string(),
  runner_online: z.number(),
  runner_fingerprint: z.string(),
  runner_identity_key: z.string(),
  runner_agreement_key: z.string(),
  desired: z.enum(['running', 'stopped', 'deleted']),
  phase: z.enum(WORKSPACE_PHASES),
  generation: z.number(),
  step: z.string().nullable(),
  percent: z.number().nullable(),
  error: z.string().nullable(),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});
export type WorkspaceRow = z.infer<typeof row>;

const SELECT = `SELECT w.id, w.name, w.owner_id, coalesce(u.name, w.owner_id) AS owner_name, w.template_id, t.name AS template_name,
  v.number AS version_number, w.runner_id, r.name AS runner_name, r.online AS runner_online, r.fingerprint AS runner_fingerprint,
  r.identity_key AS runner_identity_key, r.agreement_key AS runner_agreement_key, w.desired, w.phase, w.generation, w.step, w.percent, w.error, w.created_at, w.last_used_at
  FROM workspaces w
  JOIN templates t ON t.tenant_id = ?1 AND t.id = w.template_id
  JOIN template_versions v ON v.tenant_id = ?1 AND v.id = w.version_id
  JOIN runners r ON r.tenant_id = ?1 AND r.id = w.runner_id
  LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
  WHERE w.tenant_id = ?1 AND w.phase <> 'deleted'`;

/** Oldest first by id; the caller's own, or everybody's. */
export async function findWorkspaces(
  ctx: UserContext,
  page: { limit: number; after: string | null; everybody: boolean },
): Promise<WorkspaceRow[]> {
  const rows = await ctx.db.rows(
    `${SELECT} AND (?2 = 1 OR w.owner_id = ?3) AND (?4 IS NULL OR w.id > ?4) ORDER BY w.id LIMIT ?5`,
    ctx.db.tenantId,
    page.everybody ? 1 : 0,
    ctx.actor.id,
    page.after,
    page.limit + 1,
  );
  return rows.map((each) => row.parse(each));
}

export async function findWorkspace(db: TenantDb, id: string): Promise<WorkspaceRow | undefined> {
  const found = await db.first(`${SELECT} AND w.id = ?2`, db.tenantId, id);
  return found === undefined ? undefined : row.parse(found);
}

export interface NewWorkspace {
  id: string;
  name: string;
  ownerId: string;
  templateId: string;
  versionId: string;
  runnerId: string;
  createdAt: string;
}

/** Only below the quota: else it changes nothing. */
export const insertWorkspace = (tenantId: string, workspace: NewWorkspace, quota: number): Statement =>
  statement(
    `INSERT INTO workspaces (tenant_id, id, name, owner_id, template_id, version_id, runner_id, desired, phase, generation, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'running', 'queued', 1, ?8
     WHERE (SELECT count(*) FROM workspaces WHERE tenant_id = ?1 AND phase <> 'deleted') < ?9`,
    tenantId,
    workspace.id,
    workspace.name,
    workspace.ownerId,
    workspace.templateId,
    workspace.versionId,
    workspace.runnerId,
    workspace.createdAt,
    quota,
  );

/** A new wish for a workspace, if it is still as the caller saw it. A start takes the template's newest version. */
export const wish = (
  tenantId: string,
  seen: { id: string; generation: number },
  desired: 'running' | 'stopped' | 'deleted',
  now: Date,
): Statement =>
  statement(
    `UPDATE workspaces SET desired = ?4, phase = ?5, generation = generation + 1, step = NULL, percent = NULL, error = NULL,
       started_at = CASE WHEN ?4 = 'running' THEN ?6 ELSE started_at END,
       version_id = CASE WHEN ?4 = 'running' THEN (SELECT t.version_id FROM templates t WHERE t.tenant_id = ?1 AND t.id = workspaces.template_id) ELSE version_id END
     WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND phase <> 'deleted'`,
    tenantId,
    seen.id,
    seen.generation,
    desired,
    desired === 'running' ? 'queued' : 'stopping',
    now.toISOString(),
  );

/** What a runner says of a workspace, if it is its own and the report is of the present wish. */
export const applyReport = (tenantId: string, runnerId: string, report: WorkspaceReport): Statement =>
  statement(
    `UPDATE workspaces SET phase = ?5, step = ?6, percent = ?7, error = ?8
     WHERE tenant_id = ?1 AND runner_id = ?2 AND id = ?3 AND generation = ?4 AND phase <> 'deleted'
       AND (phase <> ?5 OR step IS NOT ?6 OR percent IS NOT ?7 OR error IS NOT ?8)`,
    tenantId,
    runnerId,
    report.workspaceId,
    report.generation,
    report.phase,
    report.step ?? null,
    report.percent ?? null,
    report.error ?? null,
  );

const orderRow = z.object({
  id: z.string(),
  generation: z.number(),
  desired: z.enum(['running', 'stopped', 'deleted']),
  name: z.string(),
  owner_name: z.string(),
  owner_email: z.string(),
  spec: z.string(),
  template_id: z.string(),
});

/** All that is wanted of a runner, or of one of its workspaces. A runner that nobody has confirmed gets nothing. */
export async function findOrders(
  ctx: Pick<Context, 'db' | 'settings' | 'now' | 'secrets' | 'newId'>,
  runnerId: string,
  workspaceId: string | null,
): Promise<WorkspaceOrder[]> {
  const orders = statement(
    `SELECT w.id, w.generation, w.desired, w.name, coalesce(u.name, '') AS owner_name, coalesce(u.email, '') AS owner_email, v.spec, w.template_id
     FROM workspaces w
     JOIN runners r ON r.tenant_id = ?1 AND r.id = w.runner_id AND r.confirmed_at IS NOT NULL AND r.deleted_at IS NULL
     JOIN template_versions v ON v.tenant_id = ?1 AND v.id = w.version_id
     LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
     WHERE w.tenant_id = ?1 AND w.runner_id = ?2 AND w.phase <> 'deleted' AND (?3 IS NULL OR w.id = ?3)`,
    ctx.db.tenantId,
    runnerId,
    workspaceId,
  );
  const [found, set] = await ctx.db.batch([orders, policyQuery(ctx.db.tenantId, null)]);
  const stored = policiesFrom(set?.rows ?? []);
  const rows = (found?.rows ?? []).map((each) => orderRow.parse(each));
  return Promise.all(
    rows.map(async (each) => {
      const { merged } = policiesOf(ctx.settings.policy, stored, each.template_id);
      const key = merged.recording.value === 'off' ? null : await ensureRecordingKey(ctx);
      return {
        workspaceId: each.id,
        generation: each.generation,
        desired: each.desired,
        name: each.name,
        owner: { name: each.owner_name, email: each.owner_email },
        spec: parseSpec(each.spec),
        policy: await signRunnerPolicy(ctx, { runnerId, workspaceId: each.id, policy: runnerPolicyOf(merged, key) }),
      };
    }),
  );
}
