import type { z } from 'zod';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { BulkResult, UserAction, UserDetail } from '@gatehouse/core/api/directory.ts';
import type { sessionList } from '@gatehouse/core/api/identity.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { ownerLack, ownersRemain, type OwnerLack } from '../directory/owners.ts';
import { OBSTACLES, obstacleTo, shownUser, usersById, type KnownUser } from '../directory/users.ts';
import { commit, eventOf, GuardFailed, onGuard, record, refuse, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { hoursBefore, IDLE_HOURS } from './session.ts';
import { sessionsOf } from './sessions.ts';
import { deleteSession, holderOf } from './sessions.store.ts';
import { endSessions, renewOrders, SUSPENDED_CAUSE } from './suspension.ts';
import { changeStates, countsOf, forget } from './user-admin.store.ts';

interface Act {
  permission: Permission;
  action: AuditAction;
  /** whom it is for, and the words for whom it is not */
  from: readonly KnownUser['state'][];
  clash: string;
  /** null: it takes nothing away from open connections */
  cause: string | null;
}

const ACTS: Record<UserAction, Act> = {
  suspend: {
    ...{ permission: 'user:update', action: 'user.suspend', from: ['active'], clash: 'is not active' },
    cause: SUSPENDED_CAUSE,
  },
  activate: { permission: 'user:update', action: 'user.activate', from: ['suspended'], clash: 'is not suspended', cause: null },
  delete: {
    ...{ permission: 'user:delete', action: 'user.delete', from: ['active', 'suspended'], clash: 'is deleted already' },
    cause: 'Your account was deleted',
  },
  'sign-out': {
    ...{ permission: 'user:sign-out', action: 'user.sign_out_everywhere', from: ['active', 'suspended'], clash: 'is deleted' },
    cause: 'An administrator signed you out',
  },
};

const somebody = (id: string) => ({ type: 'user' as const, id, name: 'somebody' });
const resourceOf = ({ id, name }: KnownUser) => ({ type: 'user' as const, id, name });
const gone = () => new AppError('not-found', 'There is no such person');

/** A person with what hangs on them. @throws AppError `not-found` */
export async function readUser(ctx: UserContext, id: string): Promise<UserDetail> {
  const user = await personFor(ctx, id, 'GET /users/{id}');
  const live = { now: ctx.now().toISOString(), seenSince: hoursBefore(ctx.now(), IDLE_HOURS) };
  const { passkeys, apps, ...counts } = await countsOf(ctx.db, id, live);
  return { ...shownUser(user), ...counts, secondFactors: { passkeys, app: apps > 0 }, standing: obstacleTo(ctx, user) ?? 'yes' };
}

/** Where a person is signed in. @throws AppError `not-found` */
export async function listSessionsOf(
  ctx: UserContext,
  id: string,
  page: { limit: number; after: string },
): Promise<z.infer<typeof sessionList>> {
  await personFor(ctx, id, 'GET /users/{id}/sessions');
  return sessionsOf(ctx, id, page);
}

/**
 * Ends one session, whosever it is: a lost device, or one that its owner does not know.
 * @throws AppError `not-found`; `permission-denied` for whoever is mightier
 */
export async function endSessionOf(ctx: UserContext, sessionId: string): Promise<void> {
  const facts = { action: 'session.end', resource: { type: 'session', id: sessionId, name: 'somebody' } } as const;
  await require(ctx, 'user:sign-out', facts);
  const noSession = () => new AppError('not-found', 'There is no such session');
  const holder = await holderOf(ctx.db, sessionId);
  const [user] = holder === null ? [] : await usersById(ctx, [holder]);
  if (!user) throw noSession();
  const named = { ...facts, resource: { ...facts.resource, name: user.name } };
  if (obstacleTo(ctx, user) === 'mightier') await refuse(ctx, named, OBSTACLES.mightier);
  const event = eventOf(ctx, { ...named, status: 204, details: { user: user.id } });
  const lessens = { users: [user.id], cause: 'An administrator ended the session' };
  await onGuard(commit(ctx, { guard: deleteSession(ctx.db, user.id, sessionId), events: [event], lessens }), noSession);
}

async function personFor(ctx: UserContext, id: string, route: string): Promise<KnownUser> {
  await require(ctx, 'user:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: route } });
  const [user] = await usersById(ctx, [id]);
  if (!user) throw gone();
  return user;
}

/**
 * Suspends, reactivates, deletes or signs out a person. Sessions end with it, and open connections are closed at once.
 * @throws AppError `not-found`; `permission-denied` for oneself and for whoever is mightier; `conflict` for the wrong state and
 * for the last active owner
 */
export async function actOnUser(ctx: UserContext, act: UserAction, id: string): Promise<void> {
  await require(ctx, ACTS[act].permission, { action: ACTS[act].action, resource: somebody(id) });
  const [error] = await actOnAll(ctx, act, [id]);
  if (error) throw error;
}

/** The same for many: what can't be done to one keeps nobody else from it. */
export async function actOnUsers(ctx: UserContext, act: UserAction, ids: readonly string[]): Promise<BulkResult> {
  const resource = { type: 'user', id: null, name: `${ids.length} people` } as const;
  await require(ctx, ACTS[act].permission, { action: ACTS[act].action, resource });
  const unique = [...new Set(ids)];
  const errors = await actOnAll(ctx, act, unique);
  return { items: unique.map((id, index) => resultOf(id, errors[index] ?? null)) };
}

export const resultOf = (id: string, error: AppError | null): BulkResult['items'][number] => ({
  ...{ id, ok: error === null, code: error?.code ?? null, reason: error?.message ?? null },
});

/** @returns why not, for each */
async function actOnAll(ctx: UserContext, act: UserAction, ids: readonly string[]): Promise<Array<AppError | null>> {
  const known = new Map((await usersById(ctx, ids)).map((user) => [user.id, user]));
  const errors = new Map<string, AppError>();
  const fitting: KnownUser[] = [];
  for (const id of ids) {
    const error = obstacle(ctx, act, known.get(id));
    const user = known.get(id);
    if (error) errors.set(id, error);
    else if (user) fitting.push(user);
  }
  const refused = ids.flatMap((id) => (errors.get(id)?.code === 'permission-denied' ? (known.get(id) ?? []) : []));
  if (refused.length > 0)
    await commit(ctx, { events: refused.map((user) => deniedEvent(ctx, act, user, errors.get(user.id)?.message ?? '')) });
  // All at once, as nearly always goes; else one by one, to know whom it does not go with.
  const refusal = fitting.length > 0 ? await apply(ctx, act, fitting) : null;
  if (refusal !== null) {
    for (const user of fitting) {
      const own = fitting.length === 1 ? refusal : await apply(ctx, act, [user]);
      if (own !== null) errors.set(user.id, await clash(ctx, act, user, own));
    }
  }
  return ids.map((id) => errors.get(id) ?? null);
}

function obstacle(ctx: UserContext, act: UserAction, user: KnownUser | undefined): AppError | null {
  if (!user) return gone();
  const found = obstacleTo(ctx, user);
  // Signing oneself out harms nobody.
  if (found === 'mightier' || (found === 'self' && act !== 'sign-out')) return new AppError('permission-denied', OBSTACLES[found]);
  return ACTS[act].from.includes(user.state) ? null : new AppError('conflict', `${user.name} ${ACTS[act].clash}`);
}

const deniedEvent = (ctx: UserContext, act: UserAction, user: KnownUser, reason: string) =>
  eventOf(ctx, { action: ACTS[act].action, resource: resourceOf(user), outcome: 'denied', status: 403, reason });

/** @returns null when it was done; else nobody was changed, for the sake of an owner or because somebody is not as they were read */
async function apply(ctx: UserContext, act: UserAction, people: readonly KnownUser[]): Promise<OwnerLack | 'changed' | null> {
  const ids = people.map(({ id }) => id);
  const { action, cause } = ACTS[act];
  const events = people.map((user) => eventOf(ctx, { action, resource: resourceOf(user), status: 204, ...traces(act, user) }));
  try {
    await commit(ctx, { ...statements(ctx, act, ids), events, ...(cause === null ? {} : { lessens: { users: ids, cause } }) });
    if (act !== 'sign-out') ctx.defer(renewOrders(ctx, ids));
    return null;
  } catch (error) {
    const lack = error instanceof GuardFailed ? 'changed' : ownerLack(error);
    if (lack === undefined) throw error;
    return lack;
  }
}

/** The address that a deletion frees stands in the log only. */
const traces = (act: UserAction, user: KnownUser) =>
  act === 'delete' ? { details: { email: user.email, roles: user.roles.join(' ') } } : {};

function statements(ctx: UserContext, act: UserAction, ids: readonly string[]): { guard?: Statement; changes: Statement[] } {
  const { db } = ctx;
  const { from } = ACTS[act];
  switch (act) {
    case 'suspend':
      return { guard: changeStates(db, ids, from, 'suspended'), changes: [...endSessions(db, ids), ...ownersRemain(db, ids)] };
    case 'activate':
      return { guard: changeStates(db, ids, from, 'active'), changes: [] };
    case 'delete':
      return {
        guard: changeStates(db, ids, from, 'deactivated'),
        // Whoever is deleted must still stand on the list of emergencies when it is looked at.
        changes: [...endSessions(db, ids), ...ownersRemain(db, ids), ...forget(db, ids, ctx.now().toISOString())],
      };
    case 'sign-out':
      return { changes: endSessions(db, ids) };
  }
}

/** Why nothing was changed: the person is an owner and the last, or changed since they were read. */
async function clash(ctx: UserContext, act: UserAction, user: KnownUser, lack: OwnerLack | 'changed'): Promise<AppError> {
  if (lack === 'changed') return new AppError('conflict', `${user.name} ${ACTS[act].clash}`);
  const reason = `${user.name} is ${lack.is}: ${lack.first}`;
  await record(ctx, { action: ACTS[act].action, resource: resourceOf(user), outcome: 'denied', status: 409, reason });
  return new AppError('conflict', reason);
}
