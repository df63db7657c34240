import { listOf } from '@gatehouse/core/scim/describe.ts';
import type { Json } from '@gatehouse/core/scim/filter-match.ts';
import {
  groupChange,
  groupFrom,
  memberDifference,
  namedIn,
  needsAll,
  typeOfMember,
  type GroupChange,
} from '@gatehouse/core/scim/members.ts';
import { objectOf } from '@gatehouse/core/scim/normalise.ts';
import { readPatch } from '@gatehouse/core/scim/patch-request.ts';
import { projected, shows, type Projection } from '@gatehouse/core/scim/projection.ts';
import { GROUP_SCHEMA, RESOURCE_TYPES } from '@gatehouse/core/scim/schema.ts';
import { invalidValue, ScimError } from '@gatehouse/core/scim/scim-error.ts';
import { forgotten, groupToForget, lossesFrom, rolesThroughGroup, rolesThroughGroupFrom } from '../directory/kept-groups.ts';
import { carryOut, endMade, pairsOf, planMade } from '../providers/made-groups.ts';
import { mappedGroup, mappingsFrom, mappingsQuery, type MappingRow } from '../providers/mapped.ts';
import { ownersRemain } from '../directory/owners.ts';
import type { NamedRole } from '../directory/role-grants.ts';
import { eventOf, GuardFailed } from '../platform/commit.ts';
import type { Answer, Conditions } from './answer.ts';
import { OF_PROVIDER } from './call.store.ts';
import { enter, noteRead, type Call, type ScimContext } from './call.ts';
import { GROUP_COLUMNS } from './columns.ts';
import { etagOf, isKnown, requireMatch } from './etag.ts';
import { givenByMapping, mappedAnew, noteOf } from './group-mapped.ts';
import { groupEvents, lesseningOf, membershipChanges } from './group-events.ts';
import { readListQuery } from './list-query.ts';
import { untilUndisturbed } from './repeat.ts';
import * as store from './scim-groups.store.ts';
import { totalFrom } from './scim-users.store.ts';
import { orFailure, write, writeFailure, writeOrKeepOwner, type Outcome } from './written.ts';

const TYPE = RESOURCE_TYPES.Group;
const gone = () => new ScimError(404, null, 'There is no such group');
const outcomeFor = (id: string | null, name: string) => ({ type: 'Group', id, name }) as const;

type Shown = Omit<store.ScimGroupRow, 'members'> & { members: store.MemberRow[] };
const shownOf = (row: store.ScimGroupRow): Shown => ({ ...row, members: store.membersOf(row) });

function present({ base }: Call, group: Shown, projection: Projection): Json {
  const withNames = projection.only?.some(({ attribute, sub }) => attribute.name === 'members' && sub?.name === 'display') ?? false;
  const members = group.members.map(({ id, name }) => {
    const type = typeOfMember(id);
    return { value: id, $ref: `${base}/${type}s/${id}`, type, ...(withNames ? { display: name } : {}) };
  });
  return projected(projection, {
    ...{ schemas: [GROUP_SCHEMA], id: group.id, displayName: group.display_name },
    ...(group.external_id === null ? {} : { externalId: group.external_id }),
    ...(members.length > 0 ? { members } : {}),
    meta: {
      ...{ resourceType: 'Group', created: group.created_at, lastModified: group.updated_at },
      ...{ location: `${base}/Groups/${group.id}`, version: etagOf(group.version) },
    },
  });
}

const answerOf = (call: Call, status: number, group: Shown, projection: Projection): Answer => ({
  ...{ status, body: present(call, group, projection), etag: etagOf(group.version) },
  location: `${call.base}/Groups/${group.id}`,
});

export async function readGroup(call: Call, id: string, projection: Projection, { ifNoneMatch }: Conditions): Promise<Answer> {
  const { ctx, found } = await enter(call, [store.scimGroupQuery(call.db, call.hash, id, shows(projection, 'members'))]);
  noteRead(ctx);
  const [row] = store.scimGroupsFrom(found[0]);
  if (!row) throw gone();
  const etag = etagOf(row.version);
  return isKnown(ifNoneMatch, etag) ? { status: 304, body: null, etag } : answerOf(call, 200, shownOf(row), projection);
}

export async function listGroups(call: Call, asked: ReadonlyMap<string, unknown>): Promise<Answer> {
  const query = readListQuery(TYPE, GROUP_COLUMNS, asked);
  const { ctx, found } = await enter(call, store.scimGroupsQueries(call.db, call.hash, query, shows(query.projection, 'members')));
  noteRead(ctx);
  const resources = store.scimGroupsFrom(found[1]).map((row) => present(call, shownOf(row), query.projection));
  return { status: 200, body: listOf(resources, { total: totalFrom(found[0]), startIndex: query.startIndex }) };
}

/** Names are what lists of access show people, so a directory’s group never takes the name of another. */
function clashOf(name: string, { caller }: ScimContext, namesake: ReturnType<typeof store.namesakeFrom>): ScimError | null {
  if (namesake === null) return null;
  if (namesake.own === 1)
    return new ScimError(409, 'uniqueness', `There is a group ${name} already, with the id ${namesake.id}`, namesake.id);
  const whose = namesake.source === 'local' ? 'made in Gatehouse' : 'of another identity provider';
  return new ScimError(
    409,
    'uniqueness',
    `There is a group ${name} already, ${whose}: rename one of the two, here or in ${caller.provider_name}`,
  );
}

function refuseUnknown(ids: readonly string[], kept: ReadonlyMap<string, string>): void {
  const unknown = ids.find((id) => !kept.has(id));
  if (unknown !== undefined) throw invalidValue(`This directory has provisioned no user and no group with the id ${unknown}`);
}

export async function createGroup(call: Call, projection: Projection): Promise<Answer> {
  const group = groupFrom(objectOf(call.body, 'The body'));
  return untilUndisturbed(async () => {
    const { ctx, found } = await enter(call, [
      store.nameQuery(call.db, call.hash, group.displayName),
      store.keptQuery(call.db, call.hash, group.members),
      mappingsQuery(call.db, call.hash, OF_PROVIDER),
    ]);
    const id = ctx.newId('group');
    const names = store.namesFrom(found[1]);
    const clash = clashOf(group.displayName, ctx, store.namesakeFrom(found[0]));
    await orFailure(ctx, call, outcomeFor(clash?.existingId ?? null, group.displayName), () => {
      if (clash) throw clash;
      refuseUnknown(group.members, names);
    });
    const now = ctx.now().toISOString();
    const members = group.members.map((each) => ({ id: each, name: names.get(each) ?? each }));
    const named = { id, display_name: group.displayName };
    const mappings = mappingsFrom(found[2]?.rows);
    const mapped = mappedGroup(ctx.db, mappings, named, { newId: ctx.newId, now });
    const plans = await planMade(ctx, pairsOf(mappings, [named]), 1);
    const own = carryOut(ctx, ctx.caller.provider_name, plans);
    const changes = [...[{ path: 'name', old: null, new: group.displayName, secret: false }], ...membershipChanges(members, [])];
    const outcome: Outcome = { status: 201, resource: outcomeFor(id, group.displayName), changes, note: noteOf(plans) };
    const change = {
      guard: store.insertGroup(ctx.db, id, group.displayName, now),
      changes: [
        store.keepGroup(ctx.db, ctx.caller.provider_id, { id, ...group }, now),
        ...store.writeMembers(ctx.db, id, { add: group.members, remove: [] }),
        ...mapped.changes,
        ...own.changes,
      ],
      events: [
        eventOf(ctx, {
          action: 'group.create',
          resource: { type: 'group', id, name: group.displayName },
          status: 201,
          diff: changes.slice(0, 1),
          details: givenByMapping(mapped.about, plans),
        }),
        ...groupEvents(ctx, { id, name: group.displayName }, { add: members, remove: [], roles: [] }),
        ...own.events,
      ],
    };
    await write(ctx, call, change, outcome).catch(async (error: unknown) => {
      if (!(error instanceof GuardFailed)) throw error;
      const full = new ScimError(403, null, 'The organisation has as many groups as it may have');
      await writeFailure(ctx, call, full, outcome.resource);
      throw full;
    });
    const shown = {
      id,
      display_name: group.displayName,
      external_id: group.externalId,
      version: 1,
      created_at: now,
      updated_at: now,
      members,
    };
    return answerOf(call, 201, shown, projection);
  });
}

/** The whole group anew. */
export async function replaceGroup(call: Call, id: string, projection: Projection, conditions: Conditions): Promise<Answer> {
  const { displayName, externalId, members } = groupFrom(objectOf(call.body, 'The body'));
  return changeGroup(call, id, { displayName, externalId, steps: [{ kind: 'replace', ids: members }] }, conditions, projection);
}

/**
 * Answers without the group unless attributes are asked for: a change of one member of ten thousand reads nobody else.
 */
export async function patchGroup(call: Call, id: string, projection: Projection, conditions: Conditions): Promise<Answer> {
  return changeGroup(call, id, groupChange(readPatch(TYPE, call.body)), conditions, projection.only === null ? null : projection);
}

interface GroupPlan {
  row: store.ScimGroupRow;
  edit: store.GroupEdit;
  /** names of all who come, go or are in it, as far as they were read */
  names: ReadonlyMap<string, string>;
  present: ReadonlySet<string>;
  roles: NamedRole[];
  mappings: MappingRow[];
  circles: ReadonlySet<string>;
}

/** @param projection null: nothing is answered */
async function changeGroup(
  call: Call,
  id: string,
  change: GroupChange,
  conditions: Conditions,
  projection: Projection | null,
): Promise<Answer> {
  const ids = namedIn(change.steps);
  const all = needsAll(change.steps) || (projection !== null && shows(projection, 'members'));
  return untilUndisturbed(async () => {
    const { db, hash } = call;
    const { ctx, found } = await enter(call, [
      store.scimGroupQuery(db, hash, id, false),
      store.presentQuery(db, hash, id, all ? null : ids),
      store.keptQuery(db, hash, ids),
      store.circlesQuery(db, id, ids),
      store.nameQuery(db, hash, change.displayName ?? ''),
      rolesThroughGroup(db, id, call.services.now().toISOString()),
      mappingsQuery(db, hash, OF_PROVIDER),
    ]);
    const [row] = store.scimGroupsFrom(found[0]);
    const plan = await orFailure(ctx, call, outcomeFor(id, row?.display_name ?? 'a group'), () => {
      if (!row) throw gone();
      requireMatch(conditions.ifMatch, etagOf(row.version));
      const present = store.namesFrom(found[1]);
      const kept = store.namesFrom(found[2]);
      const { add, remove } = memberDifference(new Set(present.keys()), change.steps);
      const [displayName, externalId] = [
        change.displayName ?? row.display_name,
        change.externalId === undefined ? row.external_id : change.externalId,
      ];
      const namesake = store.namesakeFrom(found[4]);
      const clash = clashOf(displayName, ctx, namesake?.id === id ? null : namesake);
      if (clash) throw clash;
      refuseUnknown(add, kept);
      const edit = { before: row, displayName, externalId, add, remove, exact: needsAll(change.steps) || conditions.ifMatch !== null };
      const circles = new Set(store.namesFrom(found[3]).keys());
      refuseCircle(add, circles, kept);
      return {
        row,
        edit,
        names: new Map([...present, ...kept]),
        present: new Set(present.keys()),
        roles: rolesThroughGroupFrom(found[5]?.rows),
        mappings: mappingsFrom(found[6]?.rows),
        circles,
      };
    });
    const version = await writeEdit(ctx, call, plan, projection === null ? 204 : 200);
    if (projection === null) return { status: 204, body: null, etag: etagOf(version) };
    return answerOf(call, 200, afterwards(plan, version, ctx.now().toISOString()), projection);
  });
}

function refuseCircle(add: readonly string[], circles: ReadonlySet<string>, names: ReadonlyMap<string, string>): void {
  const closing = add.find((each) => circles.has(each));
  if (closing !== undefined) throw invalidValue(`The group is itself in ${names.get(closing) ?? closing}: that would close a circle`);
}

function afterwards({ row, edit, names, present }: GroupPlan, version: number, now: string): Shown {
  const removed = new Set(edit.remove);
  const members = [...[...present].filter((id) => !removed.has(id)), ...edit.add].map((id) => ({ id, name: names.get(id) ?? id }));
  return {
    ...row,
    display_name: edit.displayName,
    external_id: edit.externalId,
    version,
    updated_at: version === row.version ? row.updated_at : now,
    members,
  };
}

/** @returns the version that the group has then */
async function writeEdit(ctx: ScimContext, call: Call, { row, edit, names, roles, mappings }: GroupPlan, status: number): Promise<number> {
  const named = (ids: readonly string[]) => ids.map((id) => ({ id, name: names.get(id) ?? id }));
  const [add, remove] = [named(edit.add), named(edit.remove)];
  const facts = [
    { path: 'name', old: row.display_name, new: edit.displayName, secret: false },
    { path: 'externalId', old: row.external_id, new: edit.externalId, secret: false },
  ].filter((each) => each.old !== each.new);
  const changes = [...facts, ...membershipChanges(add, remove)];
  const outcome: Outcome = { status, resource: outcomeFor(row.id, edit.displayName), changes };
  if (changes.length === 0) {
    await write(ctx, call, null, outcome);
    return row.version;
  }
  const group = { id: row.id, name: edit.displayName };
  const mapped = await mappedAnew(ctx, row, edit.displayName, mappings);
  const { details } = mapped;
  const update =
    facts.length === 0
      ? []
      : [eventOf(ctx, { action: 'group.update', resource: { type: 'group', ...group }, status, diff: facts, details })];
  const renamed = { users: 'everybody' as const, cause: `Group ${row.display_name} was renamed` };
  const lessens = mapped.lessens ? renamed : lesseningOf(group, remove);
  await writeOrKeepOwner(
    ctx,
    call,
    {
      guard: store.changeGroup(ctx.db, ctx.caller.provider_id, edit, ctx.now().toISOString()),
      changes: [
        ...(edit.displayName === row.display_name ? [] : [store.renameGroup(ctx.db, row.id, edit.displayName)]),
        ...store.writeMembers(ctx.db, row.id, edit),
        ...mapped.changes,
        ...(mapped.lessens || (remove.length > 0 && roles.some(({ role }) => role === 'owner')) ? ownersRemain(ctx.db) : []),
      ],
      events: [...update, ...groupEvents(ctx, group, { add, remove, roles }), ...mapped.events],
      ...(lessens ? { lessens } : {}),
    },
    { ...outcome, note: mapped.note },
    'group.members.update',
  );
  return row.version + 1;
}

/** What the group gave is lost with it, and the event says what that was. */
export async function deleteGroup(call: Call, id: string, { ifMatch }: Conditions): Promise<Answer> {
  return untilUndisturbed(async () => {
    const { ctx, found } = await enter(call, [
      store.scimGroupQuery(call.db, call.hash, id, false),
      mappingsQuery(call.db, call.hash, OF_PROVIDER),
      ...groupToForget(call.db, id, call.services.now().toISOString()),
    ]);
    const [row] = store.scimGroupsFrom(found[0]);
    const group = await orFailure(ctx, call, outcomeFor(id, row?.display_name ?? 'a group'), () => {
      if (!row) throw gone();
      requireMatch(ifMatch, etagOf(row.version));
      return row;
    });
    const { lost, people } = lossesFrom(id, found.slice(2));
    const ended = await endMade(ctx, mappingsFrom(found[1]?.rows), id);
    const diff = [{ path: 'name', old: group.display_name, new: null, secret: false }, ...lost];
    const resource = { type: 'group', id, name: group.display_name } as const;
    await writeOrKeepOwner(
      ctx,
      call,
      {
        guard: store.deleteGroup(ctx.db, ctx.caller.provider_id, group),
        changes: [store.dropGroup(ctx.db, id), ...forgotten(ctx.db, id), ...ended.changes, ...ownersRemain(ctx.db)],
        events: [eventOf(ctx, { action: 'group.delete', resource, status: 204, diff, details: { people } }), ...ended.events],
        lessens: { users: 'everybody', cause: `Group ${group.display_name} was deleted` },
      },
      { status: 204, resource: outcomeFor(id, group.display_name), changes: diff },
      'group.delete',
    );
    return { status: 204, body: null };
  });
}
