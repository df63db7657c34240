import { z } from 'zod';
import { SUBJECT_KINDS, type Subject, type subjectList, type subjectQuery } from '@gatehouse/core/api/access.ts';
import { refuse } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { decodeCursor, pageOf } from '../platform/route.ts';
import { containing } from '../platform/search.ts';
import { findTemplateAccess } from './template-access.ts';

const row = z.object({ type: z.enum(SUBJECT_KINDS), id: z.string(), name: z.string(), note: z.string() });
/** A name may be of any letters, and a cursor is of few. */
const cursorKeys = z.tuple([z.string().transform(decodeURIComponent), z.string()]);

/**
 * People and groups by name, for those who see the organisation's people anyhow and for who edits the named template's list.
 * @throws AppError `permission-denied`
 */
export async function findSubjects(ctx: UserContext, query: z.output<typeof subjectQuery>): Promise<z.infer<typeof subjectList>> {
  await requireLooking(ctx, query.templateId);
  const [afterName, afterId] = query.cursor === undefined ? ['', ''] : decodeCursor(query.cursor, cursorKeys);
  const match = (also: string) => `(?2 IS NULL OR name LIKE ?2 ESCAPE '\\' ${also})`;
  const after = '(name COLLATE NOCASE > ?3 OR (name COLLATE NOCASE = ?3 AND id > ?4))';
  const people = `SELECT 'user' AS type, id, name, email AS note FROM users
    WHERE tenant_id = ?1 AND state = 'active' AND ?5 AND ${match(`OR email LIKE ?2 ESCAPE '\\'`)} AND ${after}
    ORDER BY name COLLATE NOCASE, id LIMIT ?7`;
  const groups = `SELECT 'group' AS type, id, name, source AS note FROM groups
    WHERE tenant_id = ?1 AND ?6 AND ${match('')} AND ${after} ORDER BY name COLLATE NOCASE, id LIMIT ?7`;
  const rows = await ctx.db.rows(
    `SELECT * FROM (SELECT * FROM (${people}) UNION ALL SELECT * FROM (${groups})) ORDER BY name COLLATE NOCASE, id LIMIT ?7`,
    ...[ctx.db.tenantId, containing(query.q), afterName, afterId],
    ...[query.kind === 'group' ? 0 : 1, query.kind === 'user' ? 0 : 1, query.limit + 1],
  );
  return pageOf(
    rows.map((each) => row.parse(each)),
    query.limit,
    (each): Subject => (each.type === 'group' ? { ...each, note: each.note === 'local' ? 'group' : `group, from ${each.note}` } : each),
    (each) => [encodeURIComponent(each.name), each.id],
  );
}

async function requireLooking(ctx: UserContext, templateId: string | undefined): Promise<void> {
  if (ctx.actor.permissions.has('user:read')) return;
  if (templateId !== undefined && (await findTemplateAccess(ctx, templateId))?.role === 'admin') return;
  const resource = { type: 'policy' as const, id: null, name: 'GET /subjects' };
  await refuse(ctx, { action: 'request.denied', resource }, 'This needs the permission user:read, or the role “admin” on the template');
}
