import { z } from 'zod';
import { fillIn } from '@gatehouse/core/api/template-parameters.ts';
import type { ParameterValues } from '@gatehouse/core/api/parameter-values.ts';
import { versionState } from '@gatehouse/core/api/version-state.ts';
import type { WorkspaceOrder, WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { FAILURES, WORKSPACE_PHASES, type WorkspaceLine } from '@gatehouse/core/protocol/workspace-phases.ts';
import { networkOf, runnerOpensOf, runnerPolicyOf } from '@gatehouse/core/access/enforcement.ts';
import type { GitCredentials } from '@gatehouse/core/protocol/runner-policy.ts';
import { agreementKeyOf } from '@gatehouse/core/protocol/runner-keys.ts';
import { sealTo } from '@gatehouse/core/protocol/sealed-box.ts';
import { policiesFrom, policiesOf, policyQuery } from '../directory/policies.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { findDotfiles } from '../identity/dotfiles.ts';
import { openGitCredentials } from './git-credentials.store.ts';
import { environmentOf, parseValues, withDefaults } from './parameters.ts';
import { LINE, RUNS_NOW, takesNew, takesStarts } from './queue.store.ts';
import { withinQuota } from './quotas.store.ts';
import { ensureRecordingKey } from './recording-keys.ts';
import { signRunnerNetwork, signRunnerPolicy } from './runner-keys.ts';
import { snapshotOrders } from './snapshot-orders.ts';
import { openSecrets } from './template-secrets.store.ts';
import { parseSpec } from './templates.store.ts';

const row = z.object({
  id: z.string(),
  name: z.string(),
  owner_id: z.string(),
  owner_name: z.string(),
  template_id: z.string(),
  template_name: z.string(),
  version_id: z.string(),
  version_number: z.number(),
  spec: z.string().transform(parseSpec),
  /** who may open web apps, as the organisation and the template set it: between commas, null where neither does */
  ports_set: z.string().nullable(),
  version_state: versionState,
  newest_id: z.string(),
  newest_number: z.number(),
  required_id: z.string().nullable(),
  required_number: z.number().nullable(),
  required_from: z.string().nullable(),
  parameters: z.string(),
  runner_id: z.string(),
  runner_name: z.string(),
  runner_online: z.number(),
  runner_removed: z.number(),
  runner_seen_at: z.string().nullable(),
  runner_fingerprint: z.string(),
  runner_identity_key: z.string(),
  runner_agreement_key: z.string(),
  runner_capacity: z.number().nullable(),
  runner_places: z.number(),
  runner_drains: z.number(),
  runner_drain_until: z.string().nullable(),
  runner_revoked: z.number(),
  position: z.number().nullable(),
  desired: z.enum(['running', 'stopped', 'deleted']),
  phase: z.enum(WORKSPACE_PHASES),
  generation: z.number(),
  step: z.string().nullable(),
  percent: z.number().nullable(),
  error: z.string().nullable(),
  failure: z.enum([...FAILURES, 'runner-removed']).nullable(),
  changed_at: z.string().nullable(),
  trashed_at: z.string().nullable(),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});
export type WorkspaceRow = z.infer<typeof row>;

const SELECT = `SELECT w.id, w.name, w.owner_id, coalesce(u.name, w.owner_id) AS owner_name, w.template_id, t.name AS template_name,
  w.version_id, v.number AS version_number, v.state AS version_state, v.spec, n.id AS newest_id, n.number AS newest_number,
  q.id AS required_id, q.number AS required_number, q.required_from, w.parameters,
  (SELECT group_concat(json_extract(p.body, '$.ports')) FROM policies p WHERE p.tenant_id = ?1 AND p.scope IN ('tenant', w.template_id)) AS ports_set,
  w.runner_id, r.name AS runner_name, r.online AS runner_online, r.deleted_at IS NOT NULL AS runner_removed,
  r.last_seen_at AS runner_seen_at, r.fingerprint AS runner_fingerprint,
  r.identity_key AS runner_identity_key, r.agreement_key AS runner_agreement_key, ${LINE}, w.desired, w.phase, w.generation, w.step, w.percent, w.error,
  w.failure, w.changed_at, w.trashed_at, w.created_at, w.last_used_at
  FROM workspaces w
  JOIN templates t ON t.tenant_id = ?1 AND t.id = w.template_id
  JOIN template_versions v ON v.tenant_id = ?1 AND v.id = w.version_id
  JOIN template_versions n ON n.tenant_id = ?1 AND n.id = t.version_id
  LEFT JOIN template_versions q ON q.tenant_id = ?1 AND q.template_id = w.template_id AND q.required_from IS NOT NULL
  JOIN runners r ON r.tenant_id = ?1 AND r.id = w.runner_id
  LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
  WHERE w.tenant_id = ?1 AND w.phase <> 'deleted'`;

/** Where a workspace stands in line; null where it does not. */
export const lineOf = (workspace: Pick<WorkspaceRow, 'position' | 'runner_places' | 'runner_capacity'>): WorkspaceLine | null =>
  workspace.position === null
    ? null
    : { position: workspace.position, running: workspace.runner_places, capacity: workspace.runner_capacity };

/** Oldest first by id; the caller's own, or everybody's; those in the trash, or the others. */
export async function findWorkspaces(
  ctx: UserContext,
  page: { limit: number; after: string | null; everybody: boolean; trashed: boolean },
): Promise<WorkspaceRow[]> {
  const rows = await ctx.db.rows(
    `${SELECT} AND (?2 = 1 OR w.owner_id = ?3) AND (?4 IS NULL OR w.id > ?4) AND (w.trashed_at IS NOT NULL) = ?6 ORDER BY w.id LIMIT ?5`,
    ctx.db.tenantId,
    page.everybody ? 1 : 0,
    ctx.actor.id,
    page.after,
    page.limit + 1,
    page.trashed ? 1 : 0,
  );
  return rows.map((each) => row.parse(each));
}

/** Those made from a template that are not in the trash, oldest first by id. */
export async function findWorkspacesOf(
  ctx: Pick<UserContext, 'db'>,
  templateId: string,
  page: { limit: number; after: string },
): Promise<WorkspaceRow[]> {
  const rows = await ctx.db.rows(
    `${SELECT} AND w.template_id = ?2 AND w.trashed_at IS NULL AND w.id > ?3 ORDER BY w.id LIMIT ?4`,
    ...[ctx.db.tenantId, templateId, page.after, page.limit + 1],
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
  parameters: ParameterValues;
}

/**
 * Only below the quotas of the organisation and of its owner, and on a runner that takes it: else it changes nothing. It stands in
 * line until `admit`, in the same batch, gives it a place. @param mayWait also where no place is free now
 */
export const insertWorkspace = (tenantId: string, workspace: NewWorkspace, quota: number, mayWait: boolean): Statement =>
  statement(
    `INSERT INTO workspaces (tenant_id, id, name, owner_id, template_id, version_id, runner_id, desired, phase, generation, created_at, changed_at, parameters, waits_since)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'running', 'queued', 1, ?8, ?8, ?10, ?8
     WHERE (SELECT count(*) FROM workspaces WHERE tenant_id = ?1 AND phase <> 'deleted') < ?9
       AND ${withinQuota('workspaces', '?4', '?8')} AND ${withinQuota('running', '?4', '?8')}
       AND ${takesNew('?7', '?11')}`,
    tenantId,
    workspace.id,
    workspace.name,
    workspace.ownerId,
    workspace.templateId,
    workspace.versionId,
    workspace.runnerId,
    workspace.createdAt,
    quota,
    JSON.stringify(workspace.parameters),
    mayWait ? 1 : 0,
  );

/** The version that a workspace has from now on, with the values of its parameters. */
export interface VersionChoice {
  versionId: string;
  parameters: ParameterValues;
}

const OWNER = '(SELECT o.owner_id FROM workspaces o WHERE o.tenant_id = ?1 AND o.id = ?2)';

/**
 * A new wish for a workspace, if it is still as the caller saw it; one to run, if its owner may run one more and its runner takes
 * starts. What has no place stands in line until `admit` gives it one. A revoked runner deletes nothing: what is on it goes at once.
 * @param as another version from this start on
 */
export const wish = (
  tenantId: string,
  seen: { id: string; generation: number },
  desired: 'running' | 'stopped',
  now: Date,
  as: VersionChoice | null = null,
): Statement =>
  statement(
    `UPDATE workspaces SET desired = ?4, generation = generation + 1, step = NULL, percent = NULL, error = NULL, failure = NULL, changed_at = ?6,
       phase = CASE WHEN ?4 = 'stopped' AND waits_since IS NOT NULL THEN 'stopped' ELSE ?5 END,
       waits_since = CASE WHEN ?4 = 'running' AND place = 0 THEN coalesce(waits_since, ?6) END,
       started_at = CASE WHEN ?4 = 'running' THEN ?6 ELSE started_at END,
       version_id = coalesce(?7, version_id), parameters = coalesce(?8, parameters)
     WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND phase <> 'deleted' AND trashed_at IS NULL
       AND (?4 <> 'running' OR (${withinQuota('running', OWNER, '?6', '?2')} AND ${takesStarts('workspaces.runner_id')}))`,
    tenantId,
    seen.id,
    seen.generation,
    desired,
    desired === 'running' ? 'queued' : 'stopping',
    now.toISOString(),
    as?.versionId ?? null,
    as === null ? null : JSON.stringify(as.parameters),
  );

/** Another version for the next start of a workspace that does not run, if it is still as the caller saw it. */
export const chooseVersion = (tenantId: string, seen: { id: string; generation: number }, as: VersionChoice): Statement =>
  statement(
    `UPDATE workspaces SET version_id = ?4, parameters = ?5 WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND phase <> 'deleted' AND trashed_at IS NULL`,
    ...[tenantId, seen.id, seen.generation, as.versionId, JSON.stringify(as.parameters)],
  );

/** What a runner says of a workspace, if it is its own, not in line, and the report is of the present wish. Whoever is over gives its place back. */
export const applyReport = (tenantId: string, runnerId: string, report: WorkspaceReport, now: Date): Statement =>
  statement(
    `UPDATE workspaces SET phase = ?5, step = ?6, percent = ?7, error = ?8, failure = ?9, changed_at = ?10,
       place = CASE WHEN ?5 IN ('stopped', 'failed', 'deleted') THEN 0 WHEN ?5 IN ('starting', 'running') THEN 1 ELSE place END
     WHERE tenant_id = ?1 AND runner_id = ?2 AND id = ?3 AND generation = ?4 AND phase <> 'deleted' AND waits_since IS NULL
       AND (phase <> ?5 OR step IS NOT ?6 OR percent IS NOT ?7 OR error IS NOT ?8)`,
    tenantId,
    runnerId,
    report.workspaceId,
    report.generation,
    report.phase,
    report.step ?? null,
    report.percent ?? null,
    report.error ?? null,
    report.reason ?? null,
    now.toISOString(),
  );

const orderRow = z.object({
  id: z.string(),
  generation: z.number(),
  desired: z.enum(['running', 'stopped', 'deleted']),
  name: z.string(),
  owner_id: z.string(),
  owner_name: z.string(),
  owner_email: z.string(),
  spec: z.string(),
  template_id: z.string(),
  agreement_key: z.string(),
  parameters: z.string(),
  last_used_at: z.string().nullable(),
});

/**
 * All that is wanted of a runner, or of one of its workspaces. A runner that nobody has confirmed gets nothing. What stands in line is
 * wanted stopped until it has a place; alone it is no order yet.
 */
export async function findOrders(
  ctx: Pick<Context, 'db' | 'settings' | 'now' | 'secrets' | 'newId' | 'log'>,
  runnerId: string,
  workspaceId: string | null,
): Promise<WorkspaceOrder[]> {
  const orders = statement(
    `SELECT w.id, w.generation, ${RUNS_NOW} AS desired, w.name, w.owner_id, coalesce(u.name, '') AS owner_name, coalesce(u.email, '') AS owner_email, v.spec, w.template_id, w.parameters, w.last_used_at, r.agreement_key
     FROM workspaces w
     JOIN runners r ON r.tenant_id = ?1 AND r.id = w.runner_id AND r.confirmed_at IS NOT NULL AND r.deleted_at IS NULL AND r.revoked_at IS NULL
     JOIN template_versions v ON v.tenant_id = ?1 AND v.id = w.version_id
     LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
     WHERE w.tenant_id = ?1 AND w.runner_id = ?2 AND w.phase <> 'deleted' AND (?3 IS NULL OR (w.id = ?3 AND w.waits_since IS NULL))`,
    ctx.db.tenantId,
    runnerId,
    workspaceId,
  );
  const [found, set] = await ctx.db.batch([orders, policyQuery(ctx.db.tenantId, null)]);
  const stored = policiesFrom(set?.rows ?? []);
  const rows = (found?.rows ?? []).map((each) => orderRow.parse(each));
  const running = rows.filter(({ desired }) => desired === 'running');
  // A home that nobody has ever seen may get what its owner wants in it.
  const isNew = ({ last_used_at }: (typeof rows)[number]) => last_used_at === null;
  const [credentials, dotfiles, secrets, snapshots] = await Promise.all([
    openGitCredentials(ctx, [...new Set(running.map((each) => each.owner_id))]),
    findDotfiles(ctx.db, [...new Set(running.filter(isNew).map((each) => each.owner_id))]),
    openSecrets(ctx, [...new Set(running.map((each) => each.template_id))]),
    snapshotOrders(ctx, runnerId, rows),
  ]);
  return Promise.all(
    rows.map(async (each) => {
      const { merged, policy: inForce } = policiesOf(ctx.settings.policy, stored, each.template_id);
      const place = { runnerId, workspaceId: each.id };
      const spec = parseSpec(each.spec);
      const values = parseValues(each.parameters);
      const key = merged.recording.value === 'off' ? null : await ensureRecordingKey(ctx);
      const policy = runnerPolicyOf(merged, key);
      const opens = ctx.settings.APPS_DOMAIN === null ? null : runnerOpensOf(inForce, spec.apps);
      const isWanted = each.desired === 'running';
      const own = isWanted ? credentials.get(each.owner_id) : undefined;
      const snapshotOrder = snapshots.get(each.id);
      const dots = isWanted && isNew(each) ? dotfiles.get(each.owner_id) : undefined;
      const hidden = isWanted ? secrets.get(each.template_id) : undefined;
      return {
        workspaceId: each.id,
        generation: each.generation,
        desired: each.desired,
        name: each.name,
        owner: { name: each.owner_name, email: each.owner_email },
        spec: { ...spec, branch: fillIn(spec.branch, withDefaults(spec, values)) },
        environment: environmentOf(spec, values),
        ...(hidden && { secrets: hidden }),
        policy: await signRunnerPolicy(ctx, place, policy, opens),
        ...(policy.egress === undefined ? {} : { network: await signRunnerNetwork(ctx, place, networkOf(merged, spec)) }),
        ...(snapshotOrder && { snapshots: snapshotOrder }),
        ...(dots && { dotfiles: dots }),
        ...(own === undefined ? {} : { gitCredentials: await sealCredentials(place, each.agreement_key, own) }),
      };
    }),
  );
}

/** For the runner alone: what carries it can't read it, and another runner or workspace can't use it. */
const sealCredentials = (
  { runnerId, workspaceId }: { runnerId: string; workspaceId: string },
  agreementKey: string,
  credentials: GitCredentials,
): Promise<string> =>
  sealTo(
    agreementKeyOf({ identityKey: '', agreementKey }),
    { purpose: 'git-credentials', about: [runnerId, workspaceId] },
    new TextEncoder().encode(JSON.stringify(credentials)),
  );
