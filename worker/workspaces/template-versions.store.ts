import { z } from 'zod';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { versionState, type VERSION_STATES } from '@gatehouse/core/api/version-state.ts';
import type { UserContext } from '../platform/context.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';

type State = (typeof VERSION_STATES)[number];

const row = z.object({
  id: z.string(),
  template_id: z.string(),
  number: z.number(),
  state: versionState,
  spec: z.string(),
  notes: z.string(),
  created_at: z.string(),
  created_by: z.string(),
  published_at: z.string().nullable(),
  required_from: z.string().nullable(),
  workspaces: z.number(),
});
export type VersionRow = z.infer<typeof row>;

/** `created_by` is the name of the person or the service account. */
const SELECT = `SELECT v.id, v.template_id, v.number, v.state, v.spec, v.notes, v.created_at, coalesce(u.name, s.name, v.created_by) AS created_by,
    v.published_at, v.required_from,
    (SELECT count(*) FROM workspaces w WHERE w.tenant_id = ?1 AND w.version_id = v.id AND w.phase <> 'deleted') AS workspaces
  FROM template_versions v LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = v.created_by
  LEFT JOIN service_accounts s ON s.tenant_id = ?1 AND s.id = v.created_by
  WHERE v.tenant_id = ?1`;

/** Newest first. */
export async function findVersions(ctx: Pick<UserContext, 'db'>, templateId: string): Promise<VersionRow[]> {
  const rows = await ctx.db.rows(`${SELECT} AND v.template_id = ?2 ORDER BY v.number DESC LIMIT 100`, ctx.db.tenantId, templateId);
  return rows.map((each) => row.parse(each));
}

export async function findVersion(ctx: Pick<UserContext, 'db'>, id: string): Promise<VersionRow | undefined> {
  const found = await ctx.db.first(`${SELECT} AND v.id = ?2`, ctx.db.tenantId, id);
  return found === undefined ? undefined : row.parse(found);
}

export async function findVersionByNumber(
  ctx: Pick<UserContext, 'db'>,
  templateId: string,
  number: number,
): Promise<VersionRow | undefined> {
  const found = await ctx.db.first(`${SELECT} AND v.template_id = ?2 AND v.number = ?3`, ctx.db.tenantId, templateId, number);
  return found === undefined ? undefined : row.parse(found);
}

export interface NewVersion {
  id: string;
  templateId: string;
  number: number;
  state: 'draft' | 'published';
  notes: string;
  spec: TemplateSpec;
  createdBy: string;
  createdAt: string;
}

export const insertVersion = (tenantId: string, version: NewVersion): Statement =>
  statement(
    `INSERT INTO template_versions (tenant_id, id, template_id, number, state, notes, spec, created_by, created_at, published_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, CASE WHEN ?5 = 'published' THEN ?9 END)`,
    ...[tenantId, version.id, version.templateId, version.number, version.state, version.notes, JSON.stringify(version.spec)],
    ...[version.createdBy, version.createdAt],
  );

export const writeVersion = (tenantId: string, id: string, content: { spec: string; notes: string }): Statement =>
  statement(
    'UPDATE template_versions SET spec = ?3, notes = ?4 WHERE tenant_id = ?1 AND id = ?2',
    tenantId,
    id,
    content.spec,
    content.notes,
  );

/** What is not published any more is not required either. */
export const setState = (tenantId: string, id: string, state: State, now: string): Statement =>
  statement(
    `UPDATE template_versions SET state = ?3,
       published_at = CASE WHEN ?3 = 'published' THEN coalesce(published_at, ?4) ELSE published_at END,
       required_from = CASE WHEN ?3 = 'published' THEN required_from END
     WHERE tenant_id = ?1 AND id = ?2`,
    ...[tenantId, id, state, now],
  );

/** New workspaces use the newest that is published. */
export const chooseNewest = (tenantId: string, templateId: string): Statement =>
  statement(
    `UPDATE templates SET version_id = coalesce((SELECT v.id FROM template_versions v
       WHERE v.tenant_id = ?1 AND v.template_id = ?2 AND v.state = 'published' ORDER BY v.number DESC LIMIT 1), version_id)
     WHERE tenant_id = ?1 AND id = ?2`,
    ...[tenantId, templateId],
  );

/** At most one version of a template is required. */
export const requireVersion = (tenantId: string, version: { id: string; template_id: string }, from: string | null): Statement[] => [
  statement(
    'UPDATE template_versions SET required_from = NULL WHERE tenant_id = ? AND template_id = ? AND required_from IS NOT NULL',
    ...[tenantId, version.template_id],
  ),
  statement('UPDATE template_versions SET required_from = ?3 WHERE tenant_id = ?1 AND id = ?2', tenantId, version.id, from),
];

/** Says that the template changed, if it is as it was seen and no workspace is made from that version. */
export const touchUnused = (tenantId: string, seen: { id: string; revision: number }, versionId: string): Statement =>
  statement(
    `UPDATE templates SET revision = revision + 1 WHERE tenant_id = ?1 AND id = ?2 AND revision = ?3 AND deleted_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.tenant_id = ?1 AND w.version_id = ?4 AND w.phase <> 'deleted')`,
    ...[tenantId, seen.id, seen.revision, versionId],
  );

export const deleteVersion = (tenantId: string, id: string): Statement =>
  statement("DELETE FROM template_versions WHERE tenant_id = ? AND id = ? AND state = 'draft'", tenantId, id);
