import { z } from 'zod';
import { TEMPLATE_ICONS, templateSpec, type TEMPLATE_LISTS, type TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { adminOfAll, RANK, ROLE_RANK, UNEXPIRED, WITH_SUBJECTS } from '../access/template-access.ts';
import type { UserContext } from '../platform/context.ts';
import { containing } from '../platform/search.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';

const row = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  icon: z.enum(TEMPLATE_ICONS),
  revision: z.number(),
  acl_revision: z.number(),
  created_at: z.string(),
  version_id: z.string(),
  version_number: z.number(),
  version_created_at: z.string(),
  spec: z.string(),
  workspaces: z.number(),
  asked: z.number(),
  rank: z.number(),
});
export type TemplateRow = z.infer<typeof row>;

/** What is told of a template (alias `t`), with the caller's rank on it from `ranked`. */
const columnsOf = (rank: string) => `t.id, t.name, t.description, t.icon, t.revision, t.acl_revision, t.created_at, t.version_id,
    v.number AS version_number, v.created_at AS version_created_at, v.spec,
    (SELECT count(*) FROM workspaces w WHERE w.tenant_id = ?1 AND w.template_id = t.id AND w.phase <> 'deleted') AS workspaces,
    EXISTS (SELECT 1 FROM access_requests r
      WHERE r.tenant_id = ?1 AND r.user_id = ?2 AND r.template_id = t.id AND r.state = 'open') AS asked,
    ${rank} AS rank`;

export interface TemplatePage {
  limit: number;
  /** name of the last one of the page before */
  after: string | null;
  q?: string | undefined;
  may?: (typeof TEMPLATE_LISTS)[number] | undefined;
}

/** Ranks that a list is of. */
const RANKS = { use: [2, 3], ask: [1, 1], administer: [3, 3] } as const;

const MATCHES = `(?4 IS NULL OR t.name > ?4) AND (?5 IS NULL OR t.name LIKE ?5 ESCAPE '\\' OR t.description LIKE ?5 ESCAPE '\\')`;

/**
 * Begins at what the caller's subjects are granted: rows read grow with what they may see, not with the tenant.
 * CROSS JOIN keeps the planner at that order.
 */
const GRANTED = `${WITH_SUBJECTS},
  granted (id, rank) AS (
    SELECT a.template_id, max(${RANK}) FROM subject CROSS JOIN template_acl a
    WHERE a.tenant_id = ?1 AND a.subject_type = subject.type AND a.subject_id = subject.id AND ${UNEXPIRED} GROUP BY a.template_id
  ),
  chosen (id, rank) AS (
    SELECT t.id, granted.rank FROM granted CROSS JOIN templates t
    WHERE t.tenant_id = ?1 AND t.id = granted.id AND t.deleted_at IS NULL AND granted.rank BETWEEN ?6 AND ?7 AND ${MATCHES}
    ORDER BY t.name LIMIT ?8
  )`;
/** Those who administer all of them see all of them. */
const ALL = `
  WITH chosen (id, rank) AS (
    SELECT t.id, 3 FROM templates t
    WHERE t.tenant_id = ?1 AND t.deleted_at IS NULL AND 3 BETWEEN ?6 AND ?7 AND ${MATCHES} ORDER BY t.name LIMIT ?8
  )`;

/** The query of `findTemplates`. */
export function templatesQuery(ctx: UserContext, { limit, after, q, may }: TemplatePage): Statement {
  const [lowest, highest] = may === undefined ? [1, 3] : RANKS[may];
  return statement(
    `${adminOfAll(ctx) ? ALL : GRANTED}
     SELECT ${columnsOf('chosen.rank')} FROM chosen
     CROSS JOIN templates t CROSS JOIN template_versions v
     WHERE t.tenant_id = ?1 AND t.id = chosen.id AND v.tenant_id = ?1 AND v.id = t.version_id ORDER BY t.name`,
    ...[ctx.db.tenantId, ctx.actor.id, ctx.now().toISOString(), after, containing(q), lowest, highest, limit + 1],
  );
}

/** Templates that the caller may at least see, by name, one more than asked for. */
export async function findTemplates(ctx: UserContext, page: TemplatePage): Promise<TemplateRow[]> {
  const [found] = await ctx.db.batch([templatesQuery(ctx, page)]);
  return (found?.rows ?? []).map((each) => row.parse(each));
}

/** The template with the caller's rank on it, 0 included; undefined when it is not there. */
export async function findTemplate(ctx: UserContext, id: string): Promise<TemplateRow | undefined> {
  const found = await ctx.db.first(
    `${WITH_SUBJECTS} SELECT ${columnsOf(ROLE_RANK)} FROM templates t JOIN template_versions v ON v.tenant_id = ?1 AND v.id = t.version_id
     WHERE t.tenant_id = ?1 AND t.deleted_at IS NULL AND t.id = ?4`,
    ...[ctx.db.tenantId, ctx.actor.id, ctx.now().toISOString(), id],
  );
  return found === undefined ? undefined : row.parse(found);
}

export const parseSpec = (text: string): TemplateSpec => templateSpec.parse(JSON.parse(text));

/** Only below the quota: else it changes nothing. */
export function insertTemplate(
  tenantId: string,
  template: { id: string; name: string; description: string; icon: string; versionId: string; createdAt: string },
  quota: number,
): Statement {
  return statement(
    `INSERT INTO templates (tenant_id, id, name, description, icon, version_id, revision, acl_revision, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, 1, 1, ?7
     WHERE (SELECT count(*) FROM templates WHERE tenant_id = ?1 AND deleted_at IS NULL) < ?8`,
    tenantId,
    template.id,
    template.name,
    template.description,
    template.icon,
    template.versionId,
    template.createdAt,
    quota,
  );
}

export const updateTemplate = (
  tenantId: string,
  id: string,
  revision: number,
  set: { description: string; icon: string; versionId: string },
): Statement =>
  statement(
    `UPDATE templates SET description = ?4, icon = ?5, version_id = ?6, revision = revision + 1
     WHERE tenant_id = ?1 AND id = ?2 AND revision = ?3 AND deleted_at IS NULL`,
    tenantId,
    id,
    revision,
    set.description,
    set.icon,
    set.versionId,
  );

/** Only while no workspace is made from it. */
export const deleteTemplate = (tenantId: string, id: string, now: string): Statement =>
  statement(
    `UPDATE templates SET deleted_at = ?3 WHERE tenant_id = ?1 AND id = ?2 AND deleted_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.tenant_id = ?1 AND w.template_id = ?2 AND w.phase <> 'deleted')`,
    tenantId,
    id,
    now,
  );

/** Says that something of the template changed, if it is still as it was seen. */
export const touchTemplate = (tenantId: string, id: string, revision: number): Statement =>
  statement(
    'UPDATE templates SET revision = revision + 1 WHERE tenant_id = ? AND id = ? AND revision = ? AND deleted_at IS NULL',
    ...[tenantId, id, revision],
  );
