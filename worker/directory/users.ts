import type { z } from 'zod';
import type { User, userList, userQuery } from '@gatehouse/core/api/directory.ts';
import { covers, type CustomRole } from '@gatehouse/core/access/permissions.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, refuse, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { NO_ROLES, rolesByUser, rolesOf, type HeldRoles } from './roles.ts';
import { searchedPage } from './search.ts';
import { COLUMNS, pageOfUsers, parseUsers, renameUser, usersWithIds, type UserRow } from './users.store.ts';

/** A person with what their own roles hold, which is for use cases alone. */
export type KnownUser = Omit<User, 'customRoles'> & { customRoles: CustomRole[] };

export const shownUser = (user: KnownUser): User => ({ ...user, customRoles: user.customRoles.map(({ id, name }) => ({ id, name })) });

/** People by name, each with the roles in force. */
export async function listUsers(ctx: UserContext, query: z.infer<typeof userQuery>): Promise<z.infer<typeof userList>> {
  await require(ctx, 'user:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /users' } });
  const { q = null, state = null, role = null } = query;
  const page = searchedPage(query, 2);
  // Everybody is a member.
  const filter = { ...page, q, state, role: role === 'member' ? null : role, now: ctx.now().toISOString() };
  const found = await peopleOf(ctx, (columns) => pageOfUsers(ctx.db.tenantId, columns, filter));
  return pageOf(found, page.limit, shownUser, (user) => [user.name, user.id]);
}

/** These people with the roles in force, whoever asks: for use cases that have checked. Whom there is not is left out. */
export const usersById = (ctx: Pick<UserContext, 'db' | 'now'>, ids: readonly string[]): Promise<KnownUser[]> =>
  peopleOf(ctx, (columns) => usersWithIds(ctx.db.tenantId, columns, ids));

async function peopleOf(ctx: Pick<UserContext, 'db' | 'now'>, shown: (columns: string) => Statement): Promise<KnownUser[]> {
  const [people, given] = await ctx.db.batch([shown(COLUMNS), rolesOf(ctx.db.tenantId, shown('id'), ctx.now().toISOString())]);
  const roles = rolesByUser(given?.rows ?? []);
  return parseUsers(people).map((row) => present(row, roles.get(row.id) ?? NO_ROLES));
}

/** Why the caller may not act on this person; null when they may. Nobody acts on whoever may more than they themselves. */
export function obstacleTo(
  { actor }: UserContext,
  user: Pick<KnownUser, 'id' | 'roles' | 'customRoles' | 'state'>,
): 'self' | 'mightier' | 'deleted' | null {
  if (user.state === 'deactivated') return 'deleted';
  if (user.id === actor.id) return 'self';
  return covers(actor.standing, user.roles, user.customRoles) ? null : 'mightier';
}

export const OBSTACLES = {
  self: 'Nobody does this to themselves',
  mightier: 'This person may more than you: only somebody who may as much can do this',
} as const;

/** One's own name too, for those who may change names. @throws AppError `not-found`, `permission-denied`, `conflict` */
export async function changeUser(ctx: UserContext, id: string, name: string): Promise<User> {
  const facts = { action: 'user.update', resource: { type: 'user', id, name: 'somebody' } } as const;
  await require(ctx, 'user:update', facts);
  const [user] = await usersById(ctx, [id]);
  if (!user || user.state === 'deactivated') throw new AppError('not-found', 'There is no such person');
  const named = { ...facts, resource: { ...facts.resource, name: user.name } };
  if (obstacleTo(ctx, user) === 'mightier') return refuse(ctx, named, OBSTACLES.mightier);
  const changed = diff({ name: 'tracked' }, { name: user.name }, { name });
  if (changed.length === 0) return shownUser(user);
  const event = eventOf(ctx, { ...named, status: 200, diff: changed });
  await onGuard(
    commit(ctx, { guard: renameUser(ctx.db, id, user.name, name), events: [event] }),
    () => new AppError('conflict', 'Somebody else changed this person in the meantime. Look again.'),
  );
  return { ...shownUser(user), name };
}

const present = (row: UserRow, held: HeldRoles): KnownUser => ({
  ...{ id: row.id, name: row.name, email: row.email, emailVerified: row.email_verified_at !== null, state: row.state },
  ...{ ...held, createdAt: row.created_at, lastSeenAt: row.last_seen_at },
});
