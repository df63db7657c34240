import type { OidcConfig } from '@gatehouse/core/api/sso.ts';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { rolesGiven, type Told } from '@gatehouse/core/sso/claims.ts';
import { ownerLack, ownersRemain } from '../directory/owners.ts';
import { commit, eventOf } from '../platform/commit.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { give, isAbout, mappingsFrom, mappingsQuery } from '../providers/mapped.ts';
import { carryOut, pairsOf, planMade, untilPlanned } from '../providers/made-groups.ts';
import type { Connected } from './connections.store.ts';
import type { actingFor } from './people.ts';
import * as store from './rights.store.ts';

/** What the token gives; null: it is left as it is. Where SCIM keeps groups for the provider, what the token says of them does not count. */
export function wanted(person: Pick<Told, 'roles' | 'groups'>, { oidc, keeps_groups }: { oidc: OidcConfig; keeps_groups: number }) {
  return {
    roles: person.roles === null ? null : rolesGiven(person.roles, oidc.roles),
    groups: keeps_groups === 1 ? null : person.groups,
  };
}

interface Change {
  give: store.Rights;
  take: store.Rights;
}

const minus = (all: readonly string[] | null, gone: readonly string[] | null): string[] =>
  all === null || gone === null ? [] : all.filter((each) => !gone.includes(each));

/**
 * Makes somebody's roles and groups of this provider what its token says; those that people gave by hand stay. The last owner stays one,
 * and so does the last who comes in without.
 * @returns whether that changed anything
 */
export async function followToken(
  ctx: ReturnType<typeof actingFor>,
  connection: Connected,
  userId: string,
  person: Told,
): Promise<boolean> {
  const next = wanted(person, connection);
  if (next.roles === null && next.groups === null) return false;
  const has = await store.findRights(ctx.db, connection.id, userId);
  const change = {
    give: { roles: minus(next.roles, has.roles), groups: minus(next.groups, has.groups) },
    take: { roles: minus(has.roles, next.roles), groups: minus(has.groups, next.groups) },
  };
  if ([change.give, change.take].every(({ roles, groups }) => roles.length + groups.length === 0)) return false;
  try {
    await untilPlanned(() => apply(ctx, connection, userId, person, change));
  } catch (error) {
    const lack = ownerLack(error);
    if (!lack) throw error;
    // A group may be what makes them an owner.
    const take = { roles: change.take.roles.filter((role) => role !== 'owner'), groups: [] };
    await untilPlanned(() => apply(ctx, connection, userId, person, { ...change, take }, `${lack.is} stays owner`));
  }
  return true;
}

async function apply(
  ctx: ReturnType<typeof actingFor>,
  connection: Connected,
  userId: string,
  person: Told,
  { give, take }: Change,
  kept?: string,
): Promise<void> {
  const { db } = ctx;
  const now = ctx.now().toISOString();
  const made = await newGroups(ctx, connection, give.groups, now);
  const lessens = take.roles.length + take.groups.length > 0;
  const line = (what: string, is: boolean) => (value: string) => ({
    path: `${what} ${value}`,
    old: is ? null : true,
    new: is ? true : null,
    secret: false,
  });
  const event = eventOf(ctx, {
    ...{ action: 'user.update', resource: { type: 'user', id: userId, name: person.name ?? person.email ?? 'somebody' }, status: 200 },
    diff: [
      ...[...give.roles.map(line('role', true)), ...take.roles.map(line('role', false))],
      ...[...give.groups.map(line('group', true)), ...take.groups.map(line('group', false))],
    ],
    details: { provider: connection.id, ...(kept === undefined ? {} : { kept }) },
  });
  await commit(ctx, {
    changes: [
      ...made.changes,
      ...give.roles.map((role) => store.giveRole(db, { id: ctx.newId('roleAssignment'), role, userId, providerId: connection.id, now })),
      store.takeRoles(db, connection.id, userId, take.roles),
      store.joinGroups(db, connection.id, userId, give.groups),
      store.leaveGroups(db, connection.id, userId, take.groups),
      ...(lessens ? ownersRemain(db, [userId]) : []),
    ],
    events: [event, ...made.events],
    ...(lessens ? { lessens: { users: [userId], cause: `${connection.name} took a group or a role away` } } : {}),
  });
}

const GROUP_NAME = 80;

/**
 * Rows of the groups that the provider names for the first time, with what mappings give them by that name. A name that a group of ours
 * has is told apart.
 */
async function newGroups(
  ctx: ReturnType<typeof actingFor>,
  { id: providerId, name }: Connected,
  values: readonly string[],
  now: string,
): Promise<{ changes: Statement[]; events: DraftEvent[] }> {
  const nothing = { changes: [], events: [] };
  if (values.length === 0) return nothing;
  const known = await store.groupsKnown(ctx.db, providerId, values);
  const unknown = values.filter((value) => !known.has(value));
  if (unknown.length === 0) return nothing;
  const [taken, [found]] = await Promise.all([store.namesTaken(ctx.db, unknown), ctx.db.batch([mappingsQuery(ctx.db, providerId)])]);
  const mappings = mappingsFrom(found?.rows);
  const groups = unknown.map((value) => {
    const own = taken.has(value.toLowerCase()) ? `${value} (${name})` : value;
    return { id: ctx.newId('group'), name: own.slice(0, GROUP_NAME), display_name: value, value, providerId, now };
  });
  const made = carryOut(ctx, name, await planMade(ctx, pairsOf(mappings, groups), groups.length));
  const description = `From ${name}, as its tokens say`;
  const given = { newId: ctx.newId, now };
  return {
    changes: [
      ...groups.flatMap((group) => store.makeGroup(ctx.db, { ...group, description })),
      ...groups.flatMap((group) =>
        mappings.filter((mapping) => isAbout(mapping, group)).flatMap((mapping) => give(ctx.db, mapping, [group], given)),
      ),
      ...made.changes,
    ],
    events: made.events,
  };
}
