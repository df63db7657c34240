import type { z } from 'zod';
import { circleOf } from '@gatehouse/core/access/groups.ts';
import { givenDetails, type Given } from '@gatehouse/core/access/power.ts';
import { isInForce } from '@gatehouse/core/access/template-acl.ts';
import {
  WAYS_TOLD,
  type candidateList,
  type candidatesQuery,
  type GroupMembership,
  type Member,
  type memberList,
  type MemberRef,
  type membersChanged,
  type membershipList,
  type membersUpdate,
} from '@gatehouse/core/api/groups.ts';
import { diffEntries, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, require, type EventFacts, type Lessening } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import { edgeOf, waysTo, type EndingEdge } from './group-edges.ts';
import { findGroup, type GroupRow } from './groups.store.ts';
import { groupResource, noGroup, requireLocal, requireReadable } from './groups.ts';
import * as store from './members.store.ts';
import { onLastOwner, ownersRemain } from './owners.ts';
import { powersOfRoles, requireGrantable, requireOwnerForSelf } from './role-grants.ts';
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
  const now = ctx.now().toISOString();
  await requireReadable(ctx, await findGroup(ctx.db, groupId, ctx.actor.id, now), groupId);
  const { rows, edges, names } = await store.findMembers(ctx.db, groupId, page, show, now);
  const holders = await store.findHolders(
    ctx.db,
    groupId,
    rows.map(({ id }) => id),
    now,
  );
  return pageOf(
    rows,
    page.limit,
    (row) => ({
      ...{ type: row.type, id: row.id, name: row.name, email: row.email, state: row.state, direct: row.direct === 1 },
      ...{ expiresAt: row.expires_at, lapsed: !isInForce(row.expires_at, now) },
      ...pathsBelow(groupId, holders.get(row.id) ?? new Map(), edges, names),
    }),
    (row) => [row.type, row.name.toLowerCase(), row.id],
  );
}

/** The ways from a group down to those that hold somebody, without the group itself, and when each ends. */
function pathsBelow(
  groupId: string,
  holders: ReadonlyMap<string, string | null>,
  edges: readonly EndingEdge[],
  names: ReadonlyMap<string, string>,
): Pick<Member, 'paths' | 'pathEnds'> {
  const below = new Map([...holders].filter(([id]) => id !== groupId));
  const ways = below.size === 0 ? [] : waysTo(groupId, below, edges, WAYS_TOLD);
  return {
    paths: ways.map(({ groups }) => groups.slice(1).map((id) => ({ id, name: names.get(id) ?? id }))),
    pathEnds: ways.map(({ expiresAt }) => expiresAt),
  };
}

/** People and groups that could be added, for somebody who may. */
export async function listCandidates(
  ctx: UserContext,
  groupId: string,
  { q, as }: z.infer<typeof candidatesQuery>,
): Promise<z.infer<typeof candidateList>> {
  const now = ctx.now().toISOString();
  await requireEditor(ctx, await findGroup(ctx.db, groupId, ctx.actor.id, now), groupId);
  return { items: await store.findCandidates(ctx.db, groupId, q, as, CANDIDATES, now) };
}

/** Whoever may change groups, and who manages this one. @throws AppError `permission-denied`, `not-found` */
async function requireEditor(
  ctx: UserContext,
  group: GroupRow | undefined,
  id: string,
  facts?: Pick<EventFacts, 'action' | 'resource'>,
): Promise<GroupRow> {
  const resource = groupResource({ id, name: group?.name ?? 'a group' });
  if (group?.manages !== 1) await require(ctx, 'group:update', facts ?? { action: ACTION, resource });
  if (!group) throw noGroup();
  return group;
}

/** The same, by the group's id. @throws AppError `permission-denied`, `not-found` */
export const requireEditorOf = async (
  ctx: UserContext,
  groupId: string,
  facts: Pick<EventFacts, 'action' | 'resource'>,
): Promise<GroupRow> => requireEditor(ctx, await findGroup(ctx.db, groupId, ctx.actor.id, ctx.now().toISOString()), groupId, facts);

/**
 * Adds and removes members, all or none, as one event. Adding who is in, with no other end, and removing who is not changes nothing.
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
    const done = { added: plan.add.length, changed: plan.change.length, removed: plan.remove.length };
    if (done.added + done.changed + done.removed === 0) return done;
    try {
      await write(ctx, plan);
      return done;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
    }
  }
  throw new AppError('conflict', 'Others are changing this group right now. Try again.');
}

type Added = store.AddedMember;
type Changed = store.MembersChange['change'][number];
type Removed = MemberRef & { before: string | null };

interface Plan {
  group: GroupRow;
  add: Added[];
  change: Changed[];
  remove: Removed[];
  names: ReadonlyMap<string, string>;
  roles: string[];
  given: Given;
  /** those who are in it now, or for longer */
  more: Array<Added | Changed>;
}

async function planOf(ctx: UserContext, groupId: string, input: z.infer<typeof membersUpdate>): Promise<Plan> {
  const now = ctx.now().toISOString();
  const state = await store.readMembersState(ctx.db, groupId, ctx.actor.id, [...input.add, ...input.remove], now);
  const group = await requireEditor(ctx, state.group, groupId);
  requireLocal(group);
  refuseNonsense(input, state, now);
  refuseCircle(group, input.add, state);
  const { add, change, remove } = differences(input, state, now);
  const facts = { action: ACTION, resource: groupResource(group) } as const;
  if (add.length + change.length + remove.length > 0) await requireGrantable(ctx, facts, state.roles);
  const more = [...add, ...change.filter(isLonger)];
  const self = more.some(({ id }) => state.self.has(id)) && state.roles.length > 0;
  if (self) await requireOwnerForSelf(ctx, facts);
  const given = { power: more.length === 0 ? [] : powersOfRoles(state.roles), self };
  return { group, add, change, remove, names: state.names, roles: state.roles.map(({ role }) => role), given, more };
}

const once = <T extends MemberRef>(refs: readonly T[]): T[] => [...new Map(refs.map((ref) => [ref.id, ref])).values()];
const isLonger = ({ before, expiresAt }: Changed): boolean => before !== null && (expiresAt === null || expiresAt > before);

/** What the input changes of what stands. */
function differences(
  input: z.infer<typeof membersUpdate>,
  { present }: Pick<store.MembersState, 'present'>,
  now: string,
): Pick<Plan, 'add' | 'change' | 'remove'> {
  const named = once(input.add).map(({ type, id, expiresAt }) => {
    const before = present.get(id);
    const stays = expiresAt === undefined && before !== undefined && isInForce(before, now);
    // Times are compared as text, so all have milliseconds.
    return { type, id, expiresAt: stays ? before : exactly(expiresAt ?? null) } as Added;
  });
  return {
    add: named.filter(({ id }) => !present.has(id)),
    change: named.flatMap((each) => {
      const before = present.get(each.id);
      return before === undefined || before === each.expiresAt ? [] : [{ ...each, before }];
    }),
    remove: once(input.remove).flatMap((each) => {
      const before = present.get(each.id);
      return before === undefined ? [] : [{ ...each, before }];
    }),
  };
}

const exactly = (time: string | null) => (time === null ? null : new Date(time).toISOString());

function refuseNonsense({ add, remove }: z.infer<typeof membersUpdate>, { names }: store.MembersState, now: string): void {
  const removed = new Set(remove.map(({ id }) => id));
  const errors = add.flatMap(({ id, expiresAt }, at) => {
    if (removed.has(id)) return [{ path: `add.${at}.id`, message: 'is to be removed, too' }];
    if (!names.has(id)) return [{ path: `add.${at}.id`, message: 'is nobody in this organisation' }];
    return isInForce(exactly(expiresAt ?? null), now) ? [] : [{ path: `add.${at}.expiresAt`, message: 'must be in the future' }];
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

async function write(ctx: UserContext, plan: Plan): Promise<void> {
  const { group, add, change, remove, names, roles, given, more } = plan;
  const edit = { groupId: group.id, add, change, remove, roles, now: ctx.now().toISOString() };
  const membership = ({ id }: MemberRef, until: string | null) => ({ name: names.get(id) ?? id, until: until ?? 'for good' });
  const manager = ctx.actor.permissions.has('group:update') ? null : ctx.actor.id;
  const event = eventOf(ctx, {
    ...{ action: ACTION, resource: groupResource(group), status: 200 },
    diff: diffEntries(
      'members.',
      MEMBERSHIP,
      new Map([...remove, ...change].map((ref) => [keyOf(ref), membership(ref, ref.before)])),
      new Map([...add, ...change].map((ref) => [keyOf(ref), membership(ref, ref.expiresAt)])),
    ),
    details: {
      ...{ added: add.length, changed: change.length, removed: remove.length },
      ...(given.power.length > 0 || given.self ? { ...givenDetails(given), to: someOf(more.map(({ id }) => names.get(id) ?? id)) } : {}),
    },
  });
  const lessens = lesseningOf(group, [...remove, ...change.filter((each) => !isLonger(each))]);
  await onLastOwner(
    commit(ctx, {
      guard: store.guardMembers(ctx.db, { ...edit, manager }),
      changes: [...store.writeMembers(ctx.db, edit), ...(roles.includes('owner') ? ownersRemain(ctx.db) : [])],
      events: [event],
      ...(lessens ? { lessens } : {}),
    }),
  );
}

/** "Ana", "Ana and 2 more" */
const someOf = ([first = '', ...others]: readonly string[]) => (others.length === 0 ? first : `${first} and ${others.length} more`);
const keyOf = ({ type, id }: MemberRef): string => `${type} ${id}`;
const MEMBERSHIP: FieldRules<{ name: string; until: string }> = { name: 'tracked', until: 'tracked' };

/** Who is in a group that goes may change until the change stands, so then everybody is looked at. */
function lesseningOf(group: GroupRow, less: readonly MemberRef[]): Lessening | null {
  if (less.length === 0) return null;
  const people = less.every(({ type }) => type === 'user');
  return { users: people ? less.map(({ id }) => id) : 'everybody', cause: `The members of group ${group.name} changed` };
}

/** The groups that a person or a group is in, and how. One's own need no permission. */
export async function listMemberships(ctx: UserContext, subjectId: string): Promise<z.infer<typeof membershipList>> {
  const type = subjectId.startsWith('usr_') ? 'user' : 'group';
  const facts = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /group-memberships' } } as const;
  if (subjectId !== ctx.actor.id) await require(ctx, 'group:read', facts);
  const now = ctx.now().toISOString();
  const rows = await store.findMemberships(ctx.db, { type, id: subjectId }, now);
  const direct = new Map(rows.filter(({ member_id }) => member_id === subjectId).map((row) => [row.group_id, row.expires_at]));
  const holders = new Map([...direct].filter(([, expiresAt]) => isInForce(expiresAt, now)));
  const edges = rows.filter(({ member_type, member_id }) => member_type === 'group' && member_id !== subjectId).map(edgeOf);
  const names = new Map(rows.map(({ group_id, name }) => [group_id, name]));
  const groups = [...new Map(rows.map((row) => [row.group_id, row])).values()];
  const items = groups.map(({ group_id: id, name, source }): GroupMembership => ({
    ...{ group: { id, name, source }, direct: direct.has(id) },
    ...{ expiresAt: direct.get(id) ?? null, lapsed: !isInForce(direct.get(id) ?? null, now) },
    ...pathsBelow(id, holders, edges, names),
  }));
  return { items };
}
