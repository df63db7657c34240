import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { listOf, schemasOf } from '@gatehouse/core/scim/describe.ts';
import type { Json } from '@gatehouse/core/scim/filter-match.ts';
import { normalised, objectOf } from '@gatehouse/core/scim/normalise.ts';
import { readPatch } from '@gatehouse/core/scim/patch-request.ts';
import { patched } from '@gatehouse/core/scim/patch.ts';
import { domainOf, personFrom, type DirectoryPerson } from '@gatehouse/core/scim/person.ts';
import { projected, shows, type Projection } from '@gatehouse/core/scim/projection.ts';
import { RESOURCE_TYPES } from '@gatehouse/core/scim/schema.ts';
import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import { ownersRemain } from '../directory/owners.ts';
import { endSessions, renewOrders, SUSPENDED_CAUSE } from '../identity/suspension.ts';
import { eventOf, GuardFailed } from '../platform/commit.ts';
import type { Answer, Conditions } from './answer.ts';
import { enter, noteRead, type Call, type ScimContext } from './call.ts';
import { USER_COLUMNS } from './columns.ts';
import { etagOf, isKnown, requireMatch } from './etag.ts';
import { readListQuery } from './list-query.ts';
import { untilUndisturbed } from './repeat.ts';
import * as store from './scim-users.store.ts';
import { isSame, planOf, withoutActive, type UserPlan } from './user-plan.ts';
import { orFailure, write, writeFailure, writeOrKeepOwner, type Outcome } from './written.ts';

const TYPE = RESOURCE_TYPES.User;
const gone = () => new ScimError(404, null, 'There is no such user');
const etagFor = ({ version, state }: Pick<store.ScimUserRow, 'version' | 'state'>) =>
  etagOf(`${version}${state === 'active' ? '' : '-suspended'}`);

type Group = ReturnType<typeof store.groupsOf>[number];
type Shown = Pick<store.ScimUserRow, 'id' | 'state' | 'version' | 'created_at' | 'updated_at'> & { resource: Json; groups: Group[] };

const shownOf = (row: store.ScimUserRow): Shown => ({ ...row, resource: JSON.parse(row.resource) as Json, groups: store.groupsOf(row) });

function present({ base }: Call, user: Shown, projection: Projection): Json {
  const location = `${base}/Users/${user.id}`;
  const groups = user.groups.map((each) => ({ ...each, type: 'direct', $ref: `${base}/Groups/${each.value}` }));
  return projected(projection, {
    ...{ schemas: schemasOf(TYPE, user.resource), id: user.id, ...user.resource, active: user.state === 'active' },
    ...(groups.length > 0 ? { groups } : {}),
    meta: { resourceType: 'User', created: user.created_at, lastModified: user.updated_at, location, version: etagFor(user) },
  });
}

const answerOf = (call: Call, status: number, user: Shown, projection: Projection): Answer => ({
  ...{ status, body: present(call, user, projection), etag: etagFor(user) },
  location: `${call.base}/Users/${user.id}`,
});

export async function readUser(call: Call, id: string, projection: Projection, { ifNoneMatch }: Conditions): Promise<Answer> {
  const { ctx, found } = await enter(call, [store.scimUserQuery(call.db, call.hash, id, shows(projection, 'groups'))]);
  noteRead(ctx);
  const [row] = store.scimUsersFrom(found[0]);
  if (!row) throw gone();
  return isKnown(ifNoneMatch, etagFor(row))
    ? { status: 304, body: null, etag: etagFor(row) }
    : answerOf(call, 200, shownOf(row), projection);
}

export async function listUsers(call: Call, asked: ReadonlyMap<string, unknown>): Promise<Answer> {
  const query = readListQuery(TYPE, USER_COLUMNS, asked);
  const { ctx, found } = await enter(call, store.scimUsersQueries(call.db, call.hash, query, shows(query.projection, 'groups')));
  noteRead(ctx);
  const resources = store.scimUsersFrom(found[1]).map((row) => present(call, shownOf(row), query.projection));
  return { status: 200, body: listOf(resources, { total: store.totalFrom(found[0]), startIndex: query.startIndex }) };
}

const outcomeFor = (id: string | null, name: string) => ({ type: 'User', id, name }) as const;
const resourceOf = (id: string, name: string) => ({ type: 'user', id, name }) as const;

/** Somebody new, or somebody whom the directory may claim. @throws ScimError 409 `uniqueness` */
export async function createUser(call: Call, projection: Projection): Promise<Answer> {
  const resource = normalised(TYPE, objectOf(call.body, 'The body'));
  const person = personFrom(resource);
  return untilUndisturbed(async () => {
    const { ctx, found } = await enter(call, [...store.obstaclesQueries(call.db, call.hash, person), store.domainsQuery(call.db)]);
    const named = outcomeFor(null, person.userName);
    const domains = store.domainsFrom(found[2]);
    const holder = store.holderFrom(found[1]);
    const obstacle = obstacleTo(ctx, person, store.idFrom(found[0]), holder, domains);
    if (obstacle) {
      await writeFailure(ctx, call, obstacle, { ...named, id: obstacle.existingId });
      throw obstacle;
    }
    const id = holder?.id ?? ctx.newId('user');
    const now = ctx.now().toISOString();
    const before = { person: holder ?? null, resource: {}, active: null };
    const plan = planOf(id, before, resource, { person, says: true, domains, now });
    await create(ctx, call, plan, holder ?? null, now);
    const user = {
      id,
      state: plan.wanted.state,
      version: 1,
      created_at: now,
      updated_at: now,
      resource: JSON.parse(plan.kept.resource) as Json,
      groups: [],
    };
    return answerOf(call, 201, user, projection);
  });
}

/**
 * A directory gets somebody who is here already only if it had them before, or if the domain of the address is proved to be the
 * organisation’s and given to this directory: else one directory could take the people of another by their addresses.
 */
function obstacleTo(
  { caller }: ScimContext,
  { userName, email }: DirectoryPerson,
  known: string | null,
  holder: store.HolderRow | undefined,
  domains: ReadonlyMap<string, string | null>,
): ScimError | null {
  const taken = (detail: string, id: string | null) => new ScimError(409, 'uniqueness', detail, id);
  if (known !== null) return taken(`There is a user ${userName} already, with the id ${known}`, known);
  if (!holder) return null;
  if (holder.kept_by !== null) return taken(`Somebody has the address ${email} already, and ${holder.kept_by} keeps them`, null);
  if (holder.had_before === 1 || domains.get(domainOf(email)) === caller.provider_id) return null;
  return taken(
    `Somebody in Gatehouse has the address ${email} already. To let ${caller.provider_name} take them over, prove the domain ${domainOf(email)} and give it to ${caller.provider_name}.`,
    null,
  );
}

async function create(ctx: ScimContext, call: Call, plan: UserPlan, holder: store.HolderRow | null, now: string): Promise<void> {
  const { wanted, kept, changes, act, note } = plan;
  const { db, caller } = ctx;
  const event = eventOf(ctx, {
    ...{ action: 'user.provision', resource: resourceOf(wanted.id, wanted.name), status: 201, diff: changes },
    details: { userName: kept.userName, linked: holder !== null, emailVerified: wanted.email_verified_at !== null },
  });
  const guard = holder === null ? store.insertPerson(db, wanted, now) : store.takeOver(db, holder, wanted);
  const change = {
    guard,
    changes: [store.keepUser(db, caller.provider_id, kept, now), ...consequences(ctx, plan)],
    events: [event, ...actEvents(ctx, plan)],
  };
  const outcome: Outcome = { status: 201, resource: outcomeFor(wanted.id, wanted.name), changes, note };
  try {
    await writeOrKeepOwner(ctx, call, { ...change, ...lessened(plan) }, outcome, 'user.suspend');
  } catch (error) {
    // What comes in between is tried again; without anybody there only the limit says no.
    if (error instanceof GuardFailed && holder === null) throw await full(ctx, call, outcome.resource);
    throw error;
  }
  if (act !== null) ctx.defer(renewOrders(ctx, [wanted.id]));
}

async function full(ctx: ScimContext, call: Call, resource: Outcome['resource']): Promise<ScimError> {
  const error = new ScimError(403, null, 'The organisation has as many people as it may have');
  await writeFailure(ctx, call, error, resource);
  return error;
}

/** Sessions of who is suspended end with the change, and an owner remains. */
const consequences = ({ db }: ScimContext, { act, wanted }: Pick<UserPlan, 'act' | 'wanted'>) =>
  act === 'suspend' ? [...endSessions(db, [wanted.id]), ...ownersRemain(db, [wanted.id])] : [];
const lessened = ({ act, wanted }: Pick<UserPlan, 'act' | 'wanted'>) =>
  act === 'suspend' ? { lessens: { users: [wanted.id], cause: SUSPENDED_CAUSE } } : {};
const actEvents = (ctx: ScimContext, { act, wanted }: Pick<UserPlan, 'act' | 'wanted'>): DraftEvent[] =>
  act === null
    ? []
    : [
        eventOf(ctx, {
          action: act === 'suspend' ? 'user.suspend' : 'user.activate',
          resource: resourceOf(wanted.id, wanted.name),
          status: 200,
        }),
      ];

/** The whole resource anew. @throws ScimError */
export async function replaceUser(call: Call, id: string, projection: Projection, conditions: Conditions): Promise<Answer> {
  const sent = objectOf(call.body, 'The body');
  const next = normalised(TYPE, sent);
  return change(call, id, projection, conditions, () => ({ next, says: 'active' in next }));
}

/** @throws ScimError */
export async function patchUser(call: Call, id: string, projection: Projection, conditions: Conditions): Promise<Answer> {
  const operations = readPatch(TYPE, call.body);
  const says = operations.some(({ op, place }) => place.attribute.name === 'active' && op !== 'remove');
  return change(call, id, projection, conditions, (before) => ({ next: patched(before, operations), says }));
}

/** @param next what becomes of the resource as it stands, and whether that speaks of `active` */
async function change(
  call: Call,
  id: string,
  projection: Projection,
  { ifMatch }: Conditions,
  next: (before: Json) => { next: Json; says: boolean },
): Promise<Answer> {
  return untilUndisturbed(async () => {
    const { ctx, found } = await enter(call, [
      store.scimUserQuery(call.db, call.hash, id, shows(projection, 'groups')),
      store.domainsQuery(call.db),
    ]);
    const [row] = store.scimUsersFrom(found[0]);
    const user = await orFailure(ctx, call, outcomeFor(id, row?.name ?? 'somebody'), () => {
      if (!row) throw gone();
      requireMatch(ifMatch, etagFor(row));
      const resource = JSON.parse(row.resource) as Json;
      const { next: after, says } = next({ ...resource, active: row.active === 1 });
      const active = says ? after['active'] !== false : row.active === 1;
      const person = { ...personFrom(after), active };
      const now = ctx.now().toISOString();
      const plan = planOf(id, { person: row, resource, active: row.active === 1 }, after, {
        person,
        says,
        domains: store.domainsFrom(found[1]),
        now,
      });
      return { row, plan, now, isChanged: plan.act !== null || plan.changes.length > 0 || !isSame(resource, withoutActive(after)) };
    });
    await writeChange(ctx, call, user);
    const { plan, now, isChanged } = user;
    const stands = isChanged ? { ...user.row, state: plan.wanted.state, version: user.row.version + 1, updated_at: now } : user.row;
    return answerOf(
      call,
      200,
      { ...stands, resource: JSON.parse(plan.kept.resource) as Json, groups: store.groupsOf(user.row) },
      projection,
    );
  });
}

async function writeChange(
  ctx: ScimContext,
  call: Call,
  { row, plan, now, isChanged }: { row: store.ScimUserRow; plan: UserPlan; now: string; isChanged: boolean },
): Promise<void> {
  const { db, caller } = ctx;
  const outcome: Outcome = { status: 200, resource: outcomeFor(row.id, plan.wanted.name), changes: plan.changes, note: plan.note };
  if (!isChanged) return write(ctx, call, null, outcome);
  // Who is suspended or let in again is told by an event of its own.
  const rest = plan.act === null ? plan.changes : plan.changes.filter(({ path }) => path !== 'active');
  const update =
    rest.length === 0 ? [] : [eventOf(ctx, { action: 'user.update', resource: resourceOf(row.id, row.name), status: 200, diff: rest })];
  const moved = row.email !== plan.wanted.email;
  try {
    await writeOrKeepOwner(
      ctx,
      call,
      {
        guard: store.changeUser(db, caller.provider_id, row, plan.kept, now),
        changes: [store.updatePerson(db, row, plan.wanted), ...(moved ? store.forgetAddress(db, row.id) : []), ...consequences(ctx, plan)],
        events: [...update, ...actEvents(ctx, plan)],
        ...lessened(plan),
      },
      outcome,
      'user.suspend',
    );
  } catch (cause) {
    const error = takenBy(cause, plan);
    if (!error) throw cause;
    await writeFailure(ctx, call, error, outcome.resource);
    throw error;
  }
  if (plan.act !== null) ctx.defer(renewOrders(ctx, [row.id]));
}

function takenBy(cause: unknown, { wanted, kept }: UserPlan): ScimError | null {
  if (String(cause).includes('UNIQUE constraint failed: users.'))
    return new ScimError(409, 'uniqueness', `Somebody else in Gatehouse has the address ${wanted.email}`);
  if (String(cause).includes('UNIQUE constraint failed: scim_users.'))
    return new ScimError(409, 'uniqueness', `There is another user ${kept.userName}`);
  return null;
}

/** The directory lets go of somebody: they are suspended, and all that is theirs is kept. @throws ScimError */
export async function deleteUser(call: Call, id: string, { ifMatch }: Conditions): Promise<Answer> {
  return untilUndisturbed(async () => {
    const { ctx, found } = await enter(call, [store.scimUserQuery(call.db, call.hash, id, false)]);
    const [row] = store.scimUsersFrom(found[0]);
    const user = await orFailure(ctx, call, outcomeFor(id, row?.name ?? 'somebody'), () => {
      if (!row) throw gone();
      requireMatch(ifMatch, etagFor(row));
      return row;
    });
    const { db, caller } = ctx;
    const leaves = user.state === 'active';
    const plan = {
      act: leaves ? ('suspend' as const) : null,
      wanted: { ...user, state: 'suspended' as const, suspended_by: leaves ? ('directory' as const) : user.suspended_by },
    };
    const changes = [{ path: 'directory', old: caller.provider_name, new: null, secret: false }];
    const event = eventOf(ctx, { action: 'user.update', resource: resourceOf(id, user.name), status: 204, diff: changes });
    await writeOrKeepOwner(
      ctx,
      call,
      {
        guard: store.releaseUser(db, caller.provider_id, user, ctx.now().toISOString()),
        changes: [store.updatePerson(db, user, plan.wanted), store.leaveGroups(db, caller.provider_id, id), ...consequences(ctx, plan)],
        events: [event, ...actEvents(ctx, plan)],
        // Out of the directory’s groups, too: whoever was suspended by hand has nothing open.
        ...lessened(plan),
      },
      { status: 204, resource: outcomeFor(id, user.name), changes },
      'user.suspend',
    );
    if (leaves) ctx.defer(renewOrders(ctx, [id]));
    return { status: 204, body: null };
  });
}
