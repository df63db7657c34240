import { z } from 'zod';
import type { ConfigSection } from '@gatehouse/core/access/config-file.ts';
import { TEMPLATE_ROLES } from '@gatehouse/core/access/template-acl.ts';
import type { ConfigLine } from '@gatehouse/core/api/config.ts';
import { GROUP_SOURCES } from '@gatehouse/core/api/groups.ts';
import { assignableRole } from '@gatehouse/core/api/roles.ts';
import { storedPermissions } from '../directory/roles.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { subjectOf } from './template-acl.store.ts';

/** One kind of thing that is exported, read in the order of its key. */
export interface ConfigPart {
  /** the sections that need it */
  of: readonly ConfigSection[];
  /** the key before the first */
  start: string[];
  query(db: TenantDb, now: string, after: readonly string[], limit: number): Statement;
  lineOf(row: Record<string, unknown>): { line: ConfigLine; key: string[] };
}

/** A part whose rows have these columns. */
const part = <S extends z.ZodRawShape>(
  columns: S,
  {
    of,
    key,
    sql,
    line,
  }: { of: ConfigPart['of']; key: ReadonlyArray<keyof S>; sql: string; line: (row: z.infer<z.ZodObject<S>>) => ConfigLine },
): ConfigPart => ({
  ...{ of, start: key.map(() => '') },
  query: (db, now, after, limit) => statement(sql, db.tenantId, now, limit, ...after),
  lineOf: (row) => ({ line: line(z.object(columns).parse(row)), key: key.map((name) => String(row[name as string])) }),
});

const NAMED = ['groups', 'assignments', 'templates'] as const;
const text = z.string();
const end = z.string().nullable();

/** Each binds ?1 tenant, ?2 now, ?3 how many rows, from ?4 on the key after which it goes on. What is named by id comes first. */
export const CONFIG_PARTS: readonly ConfigPart[] = [
  part(
    { id: text, email: text },
    {
      ...{ of: NAMED, key: ['id'] },
      sql: "SELECT id, email FROM users WHERE tenant_id = ?1 AND id > ?4 AND state <> 'deactivated' AND ?2 > '' ORDER BY id LIMIT ?3",
      line: (row) => ({ kind: 'user', ...row }),
    },
  ),
  part(
    { id: text, name: text, description: text, permissions: text, revision: z.number() },
    {
      ...{ of: ['roles', 'assignments'], key: ['id'] },
      sql: `SELECT id, name, description, permissions, revision FROM roles WHERE tenant_id = ?1 AND id > ?4 AND ?2 > '' ORDER BY id LIMIT ?3`,
      line: ({ permissions, ...row }) => ({ kind: 'role', ...row, permissions: [...storedPermissions(permissions)] }),
    },
  ),
  part(
    { id: text, name: text, description: text, source: z.enum(GROUP_SOURCES), revision: z.number() },
    {
      ...{ of: NAMED, key: ['id'] },
      sql: `SELECT id, name, description, source, revision FROM groups WHERE tenant_id = ?1 AND id > ?4 AND ?2 > '' ORDER BY id LIMIT ?3`,
      line: (row) => ({ kind: 'group', ...row }),
    },
  ),
  part(
    { group_id: text, user_id: text },
    {
      ...{ of: ['groups'], key: ['group_id', 'user_id'] },
      sql: `SELECT group_id, user_id FROM group_managers WHERE tenant_id = ?1 AND (group_id, user_id) > (?4, ?5) AND ?2 > ''
        ORDER BY group_id, user_id LIMIT ?3`,
      line: ({ group_id, user_id }) => ({ kind: 'manager', group: group_id, user: user_id }),
    },
  ),
  part(
    { group_id: text, member_type: text, member_id: text, expires_at: end.optional() },
    {
      ...{ of: ['groups'], key: ['group_id', 'member_type', 'member_id'] },
      sql: `SELECT * FROM group_members WHERE tenant_id = ?1 AND (group_id, member_type, member_id) > (?4, ?5, ?6) AND ?2 > ''
        ORDER BY group_id, member_type, member_id LIMIT ?3`,
      line: ({ group_id, member_id, expires_at }) => ({ kind: 'member', group: group_id, id: member_id, expiresAt: expires_at ?? null }),
    },
  ),
  part(
    { id: text, role: assignableRole, subject_id: text, expires_at: end },
    {
      ...{ of: ['assignments'], key: ['id'] },
      sql: `SELECT id, role, subject_id, expires_at FROM role_assignments
        WHERE tenant_id = ?1 AND id > ?4 AND subject_type <> 'service-account' AND (expires_at IS NULL OR expires_at > ?2)
        ORDER BY id LIMIT ?3`,
      line: ({ subject_id, expires_at, ...row }) => ({ kind: 'assignment', ...row, subject: subject_id, expiresAt: expires_at }),
    },
  ),
  part(
    { id: text, name: text, revision: z.number(), policy: text.nullable(), policy_revision: z.number().nullable() },
    {
      ...{ of: ['templates'], key: ['id'] },
      sql: `SELECT t.id, t.name, t.acl_revision AS revision, p.body AS policy, p.revision AS policy_revision FROM templates t
        LEFT JOIN policies p ON p.tenant_id = ?1 AND p.scope = t.id
        WHERE t.tenant_id = ?1 AND t.id > ?4 AND t.deleted_at IS NULL AND ?2 > '' ORDER BY t.id LIMIT ?3`,
      line: ({ policy, policy_revision, ...row }) => ({
        ...{ kind: 'template', ...row, policyRevision: policy_revision ?? 0 },
        policy: z.record(z.string(), z.unknown()).parse(JSON.parse(policy ?? '{}')),
      }),
    },
  ),
  part(
    {
      ...{ template_id: text, subject_type: z.enum(['user', 'group', 'everyone']), subject_id: text, grant_id: text },
      ...{ role: z.enum(TEMPLATE_ROLES), expires_at: end },
    },
    {
      ...{ of: ['templates'], key: ['template_id', 'subject_type', 'subject_id', 'grant_id'] },
      sql: `SELECT template_id, subject_type, subject_id, grant_id, role, expires_at FROM template_acl
        WHERE tenant_id = ?1 AND (template_id, subject_type, subject_id, grant_id) > (?4, ?5, ?6, ?7) AND (grant_id = '' OR expires_at > ?2)
        ORDER BY template_id, subject_type, subject_id, grant_id LIMIT ?3`,
      line: ({ template_id, subject_type, subject_id, grant_id, role, expires_at }) => ({
        ...{ kind: 'entry', template: template_id, subject: subjectOf(subject_type, subject_id), role, expiresAt: expires_at },
        grantId: grant_id || null,
      }),
    },
  ),
];
