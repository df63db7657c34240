import type { z } from 'zod';
import { quotaWords } from '@gatehouse/core/api/directory.ts';
import type { Group, groupCreate, GroupDetail, groupList, groupUpdate } from '@gatehouse/core/api/groups.ts';
import { diff, diffEntries, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import type { AuditAction, AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, refuse, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import * as store from './groups.store.ts';
import { onLastOwner, ownersRemain } from './owners.ts';
import { requireGrantable, roleName } from './role-grants.ts';
import type { SearchedPage } from './search.ts';

export const groupResource = (group: { id: string; name: string }) => ({ type: 'group' as const, id: group.id, name: group.name });
const tracked = { name: 'tracked', description: 'tracked' } as const;

/** All groups; for somebody who may not see them all, those that they manage. */
export async function listGroups(ctx: UserContext, page: SearchedPage): Promise<z.infer<typeof groupList>> {
  // A session without the permission sees what it manages; a token is held to its scopes.
  const facts = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /groups' } } as const;
  if (ctx.actor.token !== null) await require(ctx, 'group:read', facts);
  const rows = await store.findGroups(ctx.db, ctx.actor.id, page, !ctx.actor.permissions.has('group:read'), ctx.now().toISOString());
  return pageOf(rows, page.limit, present, (row) => [row.name]);
}

const present = (row: store.GroupRow): Group => ({
  ...{ id: row.id, name: row.name, description: row.description, source: row.source },
  ...{ users: row.users, groups: row.sub_groups, createdAt: row.created_at },
});

/** Whoever may see groups sees this one; so does who manages it. @throws AppError `permission-denied`, `not-found` */
export async function requireReadable(ctx: UserContext, row: store.GroupRow | undefined, id: string): Promise<store.GroupRow> {
  if (!ctx.actor.permissions.has('group:read') && row?.manages !== 1)
    return refuse(
      ctx,
      { action: 'request.denied', resource: { type: 'group', id, name: 'a group' } },
      'This needs the permission group:read',
    );
  if (!row) throw noGroup();
  return row;
}

export const noGroup = () => new AppError('not-found', 'There is no such group');

export async function readGroup(ctx: UserContext, id: string): Promise<{ group: GroupDetail; revision: number }> {
  const found = await store.findSurroundings(ctx.db, id, ctx.actor.id, ctx.now().toISOString());
  const row = await requireReadable(ctx, found.row, id);
  const change = ctx.actor.permissions.has('group:update');
  const from = ({ from_id, from_name }: { from_id: string; from_name: string }) =>
    from_id === id ? null : { id: from_id, name: from_name };
  const group: GroupDetail = {
    ...present(row),
    ...{ people: found.people, managers: found.managers },
    parents: found.parents.map((each) => ({ id: each.id, name: each.name, expiresAt: each.expires_at })),
    grants: {
      roles: found.roles.map((each) => ({ role: each.role, name: roleName(each), expiresAt: each.expires_at, from: from(each) })),
      templates: found.templates.map((each) => ({
        template: { id: each.id, name: each.name },
        ...{ role: each.role, expiresAt: each.expires_at, from: from(each) },
      })),
    },
    may: { editMembers: row.source === 'local' && (change || row.manages === 1), change },
  };
  return { group, revision: row.revision };
}

/** @throws AppError `quota-exceeded`, `conflict` naming `name` */
export async function createGroup(ctx: UserContext, input: z.infer<typeof groupCreate>): Promise<{ group: GroupDetail; revision: number }> {
  const facts = { action: 'group.create', resource: { type: 'group', id: null, name: input.name } } as const;
  await require(ctx, 'group:update', facts);
  const id = ctx.newId('group');
  const guard = store.insertGroup(ctx.db, { id, ...input, createdAt: ctx.now().toISOString() });
  const event = eventOf(ctx, { ...facts, resource: { ...facts.resource, id }, status: 201, diff: diff(tracked, null, input) });
  const made = onGuard(commit(ctx, { guard, events: [event] }), () => tooMany());
  await onUnique(made, 'groups.tenant_id, groups.name', () => taken(input.name));
  return readGroup(ctx, id);
}

const tooMany = () => new AppError('quota-exceeded', `An organisation has ${quotaWords('groups')}`);
const taken = (name: string) =>
  new AppError('conflict', `There is a group ${name} already.`, { errors: [{ path: 'name', message: 'is taken' }] });
const stale = () => new AppError('stale-version', 'Somebody changed the group in the meantime. Load it again and repeat your change.');

/** The group, for somebody who may change it. @throws AppError `permission-denied`, `not-found` */
async function groupToChange(ctx: UserContext, id: string, action: AuditAction): Promise<store.GroupRow> {
  const row = await store.findGroup(ctx.db, id, ctx.actor.id, ctx.now().toISOString());
  await require(ctx, 'group:update', { action, resource: groupResource({ id, name: row?.name ?? 'a group' }) });
  if (!row) throw noGroup();
  return row;
}

const SYNCED_FROM = { local: '', scim: 'SCIM', oidc: 'single sign-on' } as const;
/** @throws AppError `conflict` for a group that another system keeps */
export function requireLocal(group: Pick<store.GroupRow, 'name' | 'source'>): void {
  if (group.source === 'local') return;
  throw new AppError('conflict', `Group ${group.name} is kept by your identity provider (${SYNCED_FROM[group.source]}). Change it there.`);
}

/** @throws AppError `stale-version`; `conflict` for a name that is taken, and for the name of a synced group */
export async function changeGroup(
  ctx: UserContext,
  id: string,
  revision: number,
  input: z.infer<typeof groupUpdate>,
): Promise<{ group: GroupDetail; revision: number }> {
  const before = await groupToChange(ctx, id, 'group.update');
  const after = { name: input.name ?? before.name, description: input.description ?? before.description };
  if (after.name !== before.name) requireLocal(before);
  const event = eventOf(ctx, { action: 'group.update', resource: groupResource(before), status: 200, diff: diff(tracked, before, after) });
  const changed = onGuard(commit(ctx, { guard: store.updateGroup(ctx.db, id, revision, after), events: [event] }), stale);
  await onUnique(changed, 'groups.tenant_id, groups.name', () => taken(after.name));
  return readGroup(ctx, id);
}

/**
 * Deletes a group. One that gives access, or is in another group, only when `grants` says that this may be lost.
 * @throws AppError `conflict` with what would be lost in `errors`; `permission-denied` for a role the caller can't take
 */
export async function deleteGroup(ctx: UserContext, id: string, grants: 'keep' | 'remove'): Promise<void> {
  const facts = { action: 'group.delete', resource: groupResource({ id, name: 'a group' }) } as const;
  await require(ctx, 'group:update', facts);
  const now = ctx.now().toISOString();
  const found = await store.findSurroundings(ctx.db, id, ctx.actor.id, now);
  if (!found.row) throw noGroup();
  const named = { ...facts, resource: groupResource(found.row) };
  requireLocal(found.row);
  const before = { name: found.row.name, description: found.row.description };
  const lost = losses(id, found);
  const inUse = () =>
    new AppError('conflict', `Group ${found.row?.name ?? ''} gives access that would be lost.`, {
      errors: lost.map(({ path }) => ({ path, message: 'would be lost' })),
    });
  if (grants === 'keep' && lost.length > 0) throw inUse();
  await requireGrantable(ctx, named, found.roles);
  const event = eventOf(ctx, {
    ...named,
    status: 204,
    diff: [...diff(tracked, before, null), ...lost],
    details: { people: found.people },
  });
  const change = {
    guard: store.deleteGroup(ctx.db, id, grants === 'keep', now),
    changes: [...store.forgetGroups(ctx.db, [id]), ...ownersRemain(ctx.db)],
    ...{ events: [event], lessens: { users: 'everybody' as const, cause: `Group ${found.row.name} was deleted` } },
  };
  await onLastOwner(onGuard(commit(ctx, change), inUse));
}

const lostRules: FieldRules<{ role: string; expiresAt: string | null }> = { role: 'tracked', expiresAt: 'tracked' };

/** What goes with a group: its roles, its entries on templates, its place in other groups. */
export function losses(id: string, { roles, templates, parents }: store.GroupSurroundings): AuditChange[] {
  const own = <Row extends { from_id: string }>(rows: readonly Row[]) => rows.filter(({ from_id }) => from_id === id);
  const given = new Map(own(roles).map((each) => [roleName(each), { role: roleName(each), expiresAt: each.expires_at }]));
  const entries = new Map(own(templates).map((each) => [each.name, { role: each.role, expiresAt: each.expires_at }]));
  return [
    ...diffEntries('role ', lostRules, given, new Map()),
    ...diffEntries('template ', lostRules, entries, new Map()),
    ...diffEntries('membership of ', 'tracked', new Map(parents.map(({ name }) => [name, name])), new Map()),
  ];
}

/** Replaces who may edit the members of a group. @throws AppError `stale-version`, `invalid` for somebody who is not there */
export async function replaceManagers(
  ctx: UserContext,
  id: string,
  revision: number,
  items: readonly string[],
): Promise<{ group: GroupDetail; revision: number }> {
  const group = await groupToChange(ctx, id, 'group.managers.update');
  const wanted = [...new Set(items)];
  const [before, people] = await ctx.db.batch([store.managersQuery(ctx.db, id), store.peopleQuery(ctx.db, wanted)]);
  const old = new Map(store.managersFrom(before?.rows).map((each) => [each.id, each.name]));
  const now = new Map(store.managersFrom(people?.rows).map((each) => [each.id, each.name]));
  const errors = wanted.flatMap((each, at) => (now.has(each) ? [] : [{ path: `items.${at}`, message: 'is nobody in this organisation' }]));
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
  const changes = diffEntries('managers.', 'tracked', old, now);
  if (changes.length === 0) return readGroup(ctx, id);
  const event = eventOf(ctx, { action: 'group.managers.update', resource: groupResource(group), status: 200, diff: changes });
  const guard = store.updateGroup(ctx.db, id, revision, group);
  await onGuard(commit(ctx, { guard, changes: store.replaceManagers(ctx.db, id, wanted), events: [event] }), stale);
  return readGroup(ctx, id);
}
