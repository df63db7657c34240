import { z } from 'zod';
import { NOTICES_COUNTED, REQUEST_STATES, type Notices } from '@gatehouse/core/api/access.ts';
import type { UserContext } from '../platform/context.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { administrators } from './explain.store.ts';
import { adminOfAll, UNEXPIRED, WITH_SUBJECTS } from './template-access.ts';

const row = z.object({
  id: z.string(),
  template_id: z.string(),
  template_name: z.string(),
  user_id: z.string(),
  user_name: z.string(),
  user_email: z.string(),
  hours: z.number(),
  reason: z.string(),
  state: z.enum(REQUEST_STATES),
  created_at: z.string(),
  decided_at: z.string().nullable(),
  decided_by: z.string().nullable(),
  note: z.string().nullable(),
  expires_at: z.string().nullable(),
  in_force: z.number(),
  administered: z.number(),
});
export type RequestRow = z.infer<typeof row>;

/** Templates that the caller administers by their lists; ?1 tenant, ?2 caller, ?3 now, ?4 whether they administer all. */
const WITH_ADMINISTERED = `${WITH_SUBJECTS},
  administered (id) AS (
    SELECT a.template_id FROM subject CROSS JOIN template_acl a
    WHERE a.tenant_id = ?1 AND a.subject_type = subject.type AND a.subject_id = subject.id AND a.role = 'admin' AND ${UNEXPIRED}
  )`;
const ADMINISTERED = '(?4 OR r.template_id IN (SELECT id FROM administered))';

const SELECT = `${WITH_ADMINISTERED}
  SELECT r.id, r.template_id, t.name AS template_name, r.user_id, u.name AS user_name, u.email AS user_email, r.hours, r.reason, r.state,
    r.created_at, r.decided_at, d.name AS decided_by, r.note, r.expires_at, ${ADMINISTERED} AS administered,
    EXISTS (SELECT 1 FROM template_acl a WHERE a.tenant_id = ?1 AND a.template_id = r.template_id AND a.subject_type = 'user'
      AND a.subject_id = r.user_id AND a.grant_id = r.id AND ${UNEXPIRED}) AS in_force
  FROM access_requests r
  JOIN templates t ON t.tenant_id = ?1 AND t.id = r.template_id
  JOIN users u ON u.tenant_id = ?1 AND u.id = r.user_id
  LEFT JOIN users d ON d.tenant_id = ?1 AND d.id = r.decided_by
  WHERE r.tenant_id = ?1`;

const bindsOf = (ctx: UserContext) => [ctx.db.tenantId, ctx.actor.id, ctx.now().toISOString(), adminOfAll(ctx) ? 1 : 0];

export interface RequestFilter {
  scope: 'mine' | 'administered';
  state?: 'open' | 'decided' | undefined;
  templateId?: string | undefined;
}

/** Newest first, one more than asked for. */
export async function findRequests(
  ctx: UserContext,
  { scope, state, templateId }: RequestFilter,
  page: { limit: number; after: string | null },
): Promise<RequestRow[]> {
  const states = { open: "r.state = 'open'", decided: "r.state <> 'open'", all: 'TRUE' }[state ?? 'all'];
  const rows = await ctx.db.rows(
    `${SELECT} AND ${scope === 'mine' ? 'r.user_id = ?2' : ADMINISTERED} AND ${states} AND (?5 IS NULL OR r.template_id = ?5)
     AND (?6 IS NULL OR r.id < ?6) ORDER BY r.id DESC LIMIT ?7`,
    ...[...bindsOf(ctx), templateId ?? null, page.after, page.limit + 1],
  );
  return rows.map((each) => row.parse(each));
}

/** The request, when it is the caller's or on a template that they administer. */
export async function findRequest(ctx: UserContext, id: string): Promise<RequestRow | undefined> {
  const found = await ctx.db.first(`${SELECT} AND r.id = ?5 AND (r.user_id = ?2 OR ${ADMINISTERED})`, ...bindsOf(ctx), id);
  return found === undefined ? undefined : row.parse(found);
}

export const insertRequest = (ctx: UserContext, request: { id: string; templateId: string; hours: number; reason: string }): Statement =>
  statement(
    `INSERT INTO access_requests (tenant_id, id, template_id, user_id, hours, reason, state, created_at) VALUES (?, ?, ?, ?, ?, ?, 'open', ?)`,
    ...[ctx.db.tenantId, request.id, request.templateId, ctx.actor.id, request.hours, request.reason, ctx.now().toISOString()],
  );

/** Only an open one, of somebody who is still there, on a template that is still there. */
export const decide = (
  ctx: UserContext,
  id: string,
  decision: { state: 'approved' | 'denied' | 'withdrawn'; note: string | null; expiresAt: string | null },
): Statement =>
  statement(
    `UPDATE access_requests SET state = ?3, decided_at = ?4, decided_by = ?5, note = ?6, expires_at = ?7,
       seen_at = CASE WHEN ?3 = 'withdrawn' THEN ?4 END
     WHERE tenant_id = ?1 AND id = ?2 AND state = 'open'
       AND (?3 <> 'approved' OR (
         EXISTS (SELECT 1 FROM templates t WHERE t.tenant_id = ?1 AND t.id = access_requests.template_id AND t.deleted_at IS NULL)
         AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = ?1 AND u.id = access_requests.user_id AND u.state = 'active')))`,
    ...[ctx.db.tenantId, id, decision.state, ctx.now().toISOString(), ctx.actor.id, decision.note, decision.expiresAt],
  );

/** The grant stands beside what the person has; grants of the template that have ended go. */
export function grantRows(ctx: UserContext, { id, template_id, user_id }: RequestRow, expiresAt: string): Statement[] {
  const { tenantId } = ctx.db;
  const now = ctx.now().toISOString();
  return [
    statement(
      "DELETE FROM template_acl WHERE tenant_id = ? AND template_id = ? AND grant_id <> '' AND expires_at <= ?",
      ...[tenantId, template_id, now],
    ),
    statement(
      `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, grant_id, role, expires_at, created_at, created_by)
       VALUES (?, ?, 'user', ?, ?, 'use', ?, ?, ?)`,
      ...[tenantId, template_id, user_id, id, expiresAt, now, ctx.actor.id],
    ),
    statement('UPDATE templates SET acl_revision = acl_revision + 1 WHERE tenant_id = ? AND id = ?', tenantId, template_id),
  ];
}

const noticesRow = z.object({ to_decide: z.number(), decided: z.number() });

/** What waits for the caller. */
export async function countNotices(ctx: UserContext): Promise<Notices> {
  const found = await ctx.db.first(
    `${WITH_ADMINISTERED}
     SELECT (SELECT count(*) FROM (SELECT 1 FROM access_requests r
         WHERE r.tenant_id = ?1 AND r.state = 'open' AND r.user_id <> ?2 AND ${ADMINISTERED} LIMIT ?5)) AS to_decide,
       (SELECT count(*) FROM (SELECT 1 FROM access_requests r
         WHERE r.tenant_id = ?1 AND r.user_id = ?2 AND r.state IN ('approved', 'denied') AND r.seen_at IS NULL LIMIT ?5)) AS decided`,
    ...[...bindsOf(ctx), NOTICES_COUNTED],
  );
  const { to_decide, decided } = noticesRow.parse(found);
  return { toDecide: to_decide, decided };
}

export async function markSeen(ctx: UserContext): Promise<void> {
  await ctx.db.batch([
    statement(
      "UPDATE access_requests SET seen_at = ? WHERE tenant_id = ? AND user_id = ? AND state <> 'open' AND seen_at IS NULL",
      ...[ctx.now().toISOString(), ctx.db.tenantId, ctx.actor.id],
    ),
  ]);
}

const adminRow = z.object({ id: z.string(), name: z.string(), email: z.string() });

/** Who is told of a request: a few who administer the template, those of its own list first. */
export async function findDeciders(ctx: UserContext, templateId: string, limit: number): Promise<Array<z.infer<typeof adminRow>>> {
  const [found] = await ctx.db.batch([administrators(ctx.db.tenantId, templateId, ctx.now().toISOString(), limit)]);
  return (found?.rows ?? []).map((each) => adminRow.parse(each)).filter(({ id }) => id !== ctx.actor.id);
}
