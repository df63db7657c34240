import type { z } from 'zod';
import { circleOf, waysDown, type GroupEdge } from '@gatehouse/core/access/groups.ts';
import {
  WAYS_TOLD,
  type candidateList,
  type candidatesQuery,
  type GroupMembership,
  type memberList,
  type MemberRef,
  type membersChanged,
  type membershipList,
  type membersUpdate,
} from '@gatehouse/core/api/groups.ts';
import { diffEntries } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, require, type Lessening } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import { findGroup, type GroupRow } from './groups.store.ts';
import { groupResource, noGroup, requireLocal, requireReadable } from './groups.ts';
import * as store from './members.store.ts';
import { onLastOwner, ownerRemains } from './owners.ts';
import { requireGrantable, requireOwnerForSelf } from './role-grants.ts';
import type { SearchedPage } from './search.ts';

const ACTION = 'group.members.update';
const CANDIDATES = 20;
/** Changes of others may come between reading and writing; each time all is looked at again. */
const ATTEMPTS = 4;

/** Who is in a group, directly and through others, and how. @throws AppError `permission-denied`, `not-found` */
export async function listMembers(
  ctx: UserContext,
  groupId: string,
  page: SearchedPage,
  show: 'all' | 'direct' | 'inherited',
): Promise<z.infer<typeof memberList>> {
  await requireReadable(ctx, await findGroup(ctx.db, groupId, ctx.actor.id), groupId);
  const { rows, edges, names } = await store.findMembers(ctx.db, groupId, page, show);
  const holders = await store.findHolders(
    ctx.db,
    groupId,
    rows.map(({ id }) => id),
  );
  return pageOf(
    rows,
    page.limit,
    (row) => ({
      ...{ type: row.type, id: row.id, name: row.name, email: row.email, state: row.state, direct: row.direct === 1 },
      paths: pathsBelow(groupId, holders.get(row.id) ?? [], edges, names),
    }),
    (row) => [row.type, row.name.toLowerCase(), row.id],
  );
}

/** The ways from a group down to those that hold somebody, without the group itself. */
function pathsBelow(groupId: string, holders: readonly string[], edges: readonly GroupEdge[], names: ReadonlyMap<string, string>) {
  const ends = new Set(holders.filter((id) => id !== groupId));
  if (ends.size === 0) return [];
  return waysDown(groupId, ends, edges, WAYS_TOLD).map((way) => way.slice(1).map((id) => ({ id, name: names.get(id) ?? id })));
}

/** People and groups that could be added, for somebody who may. */
export async function listCandidates(
  ctx: UserContext,
  groupId: string,
  { q, as }: z.infer<typeof candidatesQuery>,
): Promise<z.infer<typeof candidateList>> {
  await requireEditor(ctx, await findGroup(ctx.db, groupId, ctx.actor.id), groupId);
  return { items: await store.findCandidates(ctx.db, groupId, q, as, CANDIDATES) };
}

/** Whoever may change groups, and who manages this one. @throws AppError `permission-denied`, `not-found` */
async function requireEditor(ctx: UserContext, group: GroupRow | undefined, id: string): Promise<GroupRow> {
  const resource = groupResource({ id, name: group?.name ?? 'a group' });
  if (group?.manages !== 1) await require(ctx, 'group:update', { action: ACTION, resource });
  if (!group) throw noGroup();
  return group;
}

/**
 * Adds and removes members, all or none, as one event. Adding who is in and removing who is not changes nothing.
 * @throws AppError `conflict` for a circle, which it names, for a group that is kept elsewhere and for the last owner;
 * `permission-denied` when the group gives a role that the caller can't give; `invalid` for somebody who is not there
 */
export async function changeMembers(
  ctx: UserContext,
  groupId: string,
  input: z.infer<typeof membersUpdate>,
): Promise<z.infer<typeof membersChanged>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const plan = await planOf(ctx, groupId, input);
    if (plan.add.length + plan.remove.length === 0) return { added: 0, removed: 0 };
    try {
      await write(ctx, plan);
      return { added: plan.add.length, removed: plan.remove.length };
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw new AppError('conflict', 'Others are changing this group right now. Try again.');
}

interface Plan {
  group: GroupRow;
  add: MemberRef[];
  remove: MemberRef[];
  names: ReadonlyMap<string, string>;
  roles: string[];
  selfGrant: boolean;
}

async function planOf(ctx: UserContext, groupId: string, input: z.infer<typeof membersUpdate>): Promise<Plan> {
  const state = await store.readMembersState(
    ctx.db,
    groupId,
    ctx.actor.id,
    { add: input.add, all: [...input.add, ...input.remove] },
    ctx.now().toISOString(),
  );
  const group = await requireEditor(ctx, state.group, groupId);
  requireLocal(group);
  refuseNonsense(input, state);
  refuseCircle(group, input.add, state);
  const add = once(input.add).filter(({ id }) => !state.present.has(id));
  const remove = once(input.remove).filter(({ id }) => state.present.has(id));
  const facts = { action: ACTION, resource: groupResource(group) } as const;
  if (add.length + remove.length > 0) await requireGrantable(ctx, facts, state.roles);
  const selfGrant = state.namesSelf && add.length > 0 && state.roles.length > 0;
  if (selfGrant) await requireOwnerForSelf(ctx, facts);
  return { group, add, remove, names: state.names, roles: state.roles.map(({ role }) => role), selfGrant };
}

const once = (refs: readonly MemberRef[]): MemberRef[] => [...new Map(refs.map((ref) => [ref.id, ref])).values()];

function refuseNonsense({ add, remove }: z.infer<typeof membersUpdate>, { names }: store.MembersState): void {
  const removed = new Set(remove.map(({ id }) => id));
  const errors = add.flatMap(({ id }, at) => {
    if (removed.has(id)) return [{ path: `add.${at}.id`, message: 'is to be removed, too' }];
    return names.has(id) ? [] : [{ path: `add.${at}.id`, message: 'is nobody in this organisation' }];
  });
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
}

/** The circle is named by the groups on it, each holding the next. */
function refuseCircle(group: GroupRow, add: readonly MemberRef[], { above, aboveNames, names }: store.MembersState): void {
  add.forEach(({ type, id }, at) => {
    const circle = type === 'group' ? circleOf(group.id, id, above) : null;
    if (circle === null) return;
    const named = circle.map((each) => aboveNames.get(each) ?? names.get(each) ?? each).join(' → ');
    const message = `That would close a circle: ${named}.`;
    throw new AppError('conflict', message, { errors: [{ path: `add.${at}.id`, message }] });
  });
}

async function write(ctx: UserContext, { group, add, remove, names, roles, selfGrant }: Plan): Promise<void> {
  const change = { groupId: group.id, add, remove, roles, now: ctx.now().toISOString() };
  const manager = ctx.actor.permissions.has('group:update') ? null : ctx.actor.id;
  const event = eventOf(ctx, {
    ...{ action: ACTION, resource: groupResource(group), status: 200 },
    diff: diffEntries('members.', 'tracked', named(remove, names), named(add, names)),
    details: { added: add.length, removed: remove.length, ...(selfGrant ? { selfGrant } : {}) },
  });
  const lessens = lesseningOf(group, remove);
  await onLastOwner(
    commit(ctx, {
      guard: store.guardMembers(ctx.db, { ...change, manager }),
      changes: [...store.writeMembers(ctx.db, change), ...(roles.includes('owner') ? [ownerRemains(ctx.db)] : [])],
      events: [event],
      ...(lessens ? { lessens } : {}),
    }),
  );
}

const named = (refs: readonly MemberRef[], names: ReadonlyMap<string, string>) =>
  new Map(refs.map(({ type, id }) => [`${type} ${id}`, names.get(id) ?? id]));

/** Who is in a group that goes may change until the change stands, so then everybody is looked at. */
function lesseningOf(group: GroupRow, removed: readonly MemberRef[]): Lessening | null {
  if (removed.length === 0) return null;
  const people = removed.every(({ type }) => type === 'user');
  return { users: people ? removed.map(({ id }) => id) : 'everybody', cause: `The members of group ${group.name} changed` };
}

/** The groups that a person or a group is in, and how. One's own need no permission. */
export async function listMemberships(ctx: UserContext, subjectId: string): Promise<z.infer<typeof membershipList>> {
  const type = subjectId.startsWith('usr_') ? 'user' : 'group';
  const facts = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /group-memberships' } } as const;
  if (subjectId !== ctx.actor.id) await require(ctx, 'group:read', facts);
  const rows = await store.findMemberships(ctx.db, { type, id: subjectId });
  const direct = new Set(rows.filter(({ member_id }) => member_id === subjectId).map(({ group_id }) => group_id));
  const edges = rows
    .filter(({ member_type, member_id }) => member_type === 'group' && member_id !== subjectId)
    .map(({ group_id, member_id }) => ({ groupId: group_id, memberId: member_id }));
  const names = new Map(rows.map(({ group_id, name }) => [group_id, name]));
  const groups = [...new Map(rows.map((row) => [row.group_id, row])).values()];
  const items = groups.map(({ group_id: id, name, source }): GroupMembership => ({
    ...{ group: { id, name, source }, direct: direct.has(id) },
    paths: pathsBelow(id, [...direct], edges, names),
  }));
  return { items };
}
