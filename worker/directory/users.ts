import { z } from 'zod';
import { USER_STATES, type User, type userList } from '@gatehouse/core/api/directory.ts';
import { require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import { statement } from '../platform/tenant-db.ts';
import { NO_ROLES, rolesByUser, rolesOf, type HeldRoles } from './roles.ts';

const userRow = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  email_verified_at: z.string().nullable(),
  state: z.enum(USER_STATES),
  created_at: z.string(),
  last_seen_at: z.string().nullable(),
});
type UserRow = z.infer<typeof userRow>;

/** People in the order in which they joined, each with the roles in force. */
export async function listUsers(ctx: UserContext, page: { limit: number; after: string }): Promise<z.infer<typeof userList>> {
  await require(ctx, 'user:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /users' } });
  const { tenantId } = ctx.db;
  const shown = (columns: string) =>
    statement(`SELECT ${columns} FROM users WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?`, ...[tenantId, page.after, page.limit + 1]);
  const [people, given] = await ctx.db.batch([
    shown('id, name, email, email_verified_at, state, created_at, last_seen_at'),
    rolesOf(tenantId, shown('id'), ctx.now().toISOString()),
  ]);
  const roles = rolesByUser(given?.rows ?? []);
  const rows = (people?.rows ?? []).map((row) => userRow.parse(row));
  return pageOf(
    rows,
    page.limit,
    (row) => present(row, roles.get(row.id) ?? NO_ROLES),
    (row) => [row.id],
  );
}

const present = (row: UserRow, held: HeldRoles): User => ({
  ...{ id: row.id, name: row.name, email: row.email, emailVerified: row.email_verified_at !== null, state: row.state },
  ...{ roles: held.roles, customRoles: held.customRoles.map(({ id, name }) => ({ id, name })) },
  ...{ createdAt: row.created_at, lastSeenAt: row.last_seen_at },
});
