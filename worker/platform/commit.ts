import { AppError, ERRORS } from '@gatehouse/core/errors.ts';
import type { AuditAction, AuditActor, AuditChange, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import { inScope, type OwnScope } from '@gatehouse/core/access/scopes.ts';
import type { ActingToken, Actor, Context, SessionContext, UserContext } from './context.ts';
import { statement, type Statement, type TenantDb } from './tenant-db.ts';

/** What a commit needs of a context; sign-up and the system ledger have no tenant to offer yet. */
export type EventContext = Pick<Context, 'actor' | 'request' | 'now' | 'newId' | 'ledger' | 'revocation' | 'defer' | 'log'> & {
  db: TenantDb;
};

/** Whose access a change may have made less, and the words for it that the people concerned are shown. */
export interface Lessening {
  users: readonly string[] | 'everybody';
  cause: string;
  /** it is the policy that changed: what it says of connections is looked at again, too */
  policy?: true;
}

export interface EventFacts {
  action: AuditAction;
  resource: { type: DraftEvent['resource']['type']; id: string | null; name: string };
  outcome?: DraftEvent['outcome'];
  status?: number;
  reason?: string;
  diff?: AuditChange[];
  details?: DraftEvent['details'];
  workspaceId?: string;
  sessionId?: string;
  /** the approved request that this was allowed by, or that it is about */
  grantId?: string | null;
  /** whose act it was, where an object tells it later */
  actor?: AuditActor;
}

/** The event of what is being done here and now by the context's actor. */
export function eventOf(ctx: EventContext, facts: EventFacts): DraftEvent {
  return {
    id: ctx.newId('event'),
    time: ctx.now().toISOString(),
    actor: facts.actor ?? auditActor(ctx.actor),
    action: facts.action,
    resource: facts.resource,
    outcome: facts.outcome ?? 'success',
    status: facts.status ?? null,
    reason: facts.reason ?? null,
    origin: ctx.request?.origin ?? null,
    requestId: ctx.request?.id ?? null,
    sessionId: facts.sessionId ?? ('sessionId' in ctx.actor ? ctx.actor.sessionId : null),
    workspaceId: facts.workspaceId ?? null,
    grantId: facts.grantId ?? null,
    diff: facts.diff ?? [],
    details: { ...tokenDetails(tokenOf(ctx.actor)), ...facts.details },
  };
}

const tokenOf = (actor: Actor): ActingToken | null => ('token' in actor ? actor.token : null);
const tokenDetails = (token: ActingToken | null): Record<string, string> => (token ? { token: token.id, tokenName: token.name } : {});

function auditActor(actor: Actor): AuditActor {
  switch (actor.type) {
    case 'user':
    case 'service-account':
      return { type: actor.type, id: actor.id, name: actor.name, email: actor.email, via: actor.token ? 'token' : 'session' };
    case 'runner':
      return { type: 'runner', id: actor.id, name: actor.name, email: null, via: 'runner-token' };
    case 'scim-client':
      return { type: 'scim-client', id: actor.id, name: actor.name, email: null, via: 'scim-token' };
    case 'system':
      return { type: 'system', id: null, name: actor.name, email: null, via: null };
    case 'operator':
      return { type: 'operator', id: null, name: 'Operator', email: null, via: 'operator-token' };
    case 'anonymous':
      return { type: 'anonymous', id: null, name: actor.name, email: null, via: null };
  }
}

/** Thrown by `commit` when the guarding write matched nothing: nothing at all has changed. */
export class GuardFailed extends Error {
  /** records the attempt as failed */
  readonly recordFailure: (status: number, reason: string) => Promise<unknown>;

  constructor(recordFailure: GuardFailed['recordFailure']) {
    super();
    this.recordFailure = recordFailure;
  }
}

/**
 * Writes a change and its events in one transaction, then sends the events to the ledger.
 *
 * `guard`, if any, runs first and must change a row: where it matches nothing the outbox row can't be
 * made, so the whole batch is undone and GuardFailed is thrown. No read-then-write across trips.
 *
 * A change that may take access away names whose in `lessens`: their open connections are looked at again at once, and
 * the task is kept with the change until that is done.
 *
 * @returns what the guard's RETURNING names
 * @throws GuardFailed; a D1 error (`UNIQUE constraint failed: …`) as it comes, see `onUnique`
 */
export async function commit(
  ctx: EventContext,
  change: { guard?: Statement; changes?: Statement[]; events: DraftEvent[]; lessens?: Lessening },
): Promise<Array<Record<string, unknown>>> {
  const batches = parcels(change.events).map((events) => ({ outboxId: ctx.newId('outbox'), events }));
  // What comes after the first row needs no guard: where that can't be made, all is undone.
  const outbox = batches.map(({ outboxId, events }, at) => outboxRow(ctx, outboxId, events, change.guard !== undefined && at === 0));
  const revocation = change.lessens ? { id: ctx.newId('revocation'), ...change.lessens } : null;
  const batch = [
    ...(change.guard ? [change.guard] : []),
    ...outbox,
    ...(change.changes ?? []),
    ...(revocation ? [revocationRow(ctx, revocation)] : []),
  ];
  const [first] = await ctx.db.batch(batch).catch((error: unknown) => {
    throw String(error).includes('NOT NULL constraint failed: outbox.body') ? guardFailed(ctx, change.events) : error;
  });
  // The sweep repeats what does not arrive now.
  const sent = ctx.ledger.append(ctx.db.tenantId, ctx.db.shard, batches);
  ctx.defer(
    sent.catch((error: unknown) => ctx.log('warn', 'events wait for the sweep', { outboxId: batches[0]?.outboxId, error: String(error) })),
  );
  if (revocation) {
    const closed = ctx.revocation.run(ctx.db.shard, ctx.db.tenantId, revocation.id);
    ctx.defer(closed.catch((error: unknown) => ctx.log('warn', 'a revocation waits for the sweep', { error: String(error) })));
  }
  return change.guard ? (first?.rows ?? []) : [];
}

/** D1 keeps at most 2 MB in a row. */
const MAX_PARCEL = 1_000_000;

/** The events in order, as many together as one row holds. */
function parcels(events: DraftEvent[]): DraftEvent[][] {
  const all: DraftEvent[][] = [[]];
  let size = 0;
  for (const event of events) {
    const more = JSON.stringify(event).length;
    if (size > 0 && size + more > MAX_PARCEL) {
      all.push([]);
      size = 0;
    }
    all.at(-1)?.push(event);
    size += more;
  }
  return all;
}

const guardFailed = (ctx: EventContext, events: DraftEvent[]): GuardFailed =>
  new GuardFailed((status, reason) => {
    const failed = { outcome: 'failure' as const, status, reason, diff: [] };
    return commit(ctx, { events: events.map((event) => ({ ...event, ...failed, id: ctx.newId('event') })) });
  });

const revocationRow = (ctx: EventContext, { id, users, cause, policy }: Lessening & { id: string }): Statement =>
  statement(
    'INSERT INTO revocations (tenant_id, id, users, cause, policy, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ...[ctx.db.tenantId, id, users === 'everybody' ? null : JSON.stringify(users), cause, policy ? 1 : 0, ctx.now().toISOString()],
  );

function outboxRow(ctx: EventContext, id: string, events: DraftEvent[], guarded: boolean): Statement {
  return statement(
    `INSERT INTO outbox (tenant_id, id, created_at, body) VALUES (?, ?, ?, ${guarded ? 'CASE WHEN changes() > 0 THEN ? END' : '?'})`,
    ctx.db.tenantId,
    id,
    ctx.now().getTime(),
    JSON.stringify(events),
  );
}

/** Turns the violation of a unique index into the error that the caller names. */
export async function onUnique<T>(work: Promise<T>, columns: string, error: () => AppError): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (String(cause).includes(`UNIQUE constraint failed: ${columns}`)) throw error();
    throw cause;
  }
}

/** Turns a guard that matched nothing into the error that the caller names. That somebody wrote over what they had not seen is an event. */
export async function onGuard<T>(work: Promise<T>, error: () => AppError | Promise<AppError>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof GuardFailed)) throw cause;
    const refusal = await error();
    if (refusal.code === 'stale-version') await cause.recordFailure(ERRORS[refusal.code].status, refusal.message);
    throw refusal;
  }
}

/** Records that something was refused or failed, where no change goes with it. */
export async function record(ctx: EventContext, facts: EventFacts): Promise<void> {
  await commit(ctx, { events: [eventOf(ctx, facts)] });
}

/**
 * First line of every use case that needs a tenant-wide permission. A refusal is an event.
 * @throws AppError `permission-denied`
 */
export async function require(ctx: Context, permission: Permission, facts: Pick<EventFacts, 'action' | 'resource'>): Promise<UserContext> {
  if ('permissions' in ctx.actor && ctx.actor.permissions.has(permission)) return ctx as UserContext;
  return refuse(ctx, facts, `This needs the permission ${permission}`);
}

/**
 * First line of a use case that needs no tenant-wide permission of a person: a token still needs the scope for it.
 * @throws AppError `permission-denied`; the refusal is an event
 */
export async function requireScope(ctx: UserContext, scope: OwnScope, facts: Pick<EventFacts, 'action' | 'resource'>): Promise<void> {
  if (!inScope(ctx.actor.token?.scopes ?? null, scope)) await refuse(ctx, facts, `The token needs the scope ${scope}`);
}

/**
 * First line of what only a person in a browser may do: connecting to workspaces, and whatever proves who somebody is
 * (sessions, passwords, factors, tokens). No token does it, whatever its scopes.
 * @throws AppError `browser-only`; the refusal is an event
 */
export async function requireSession(
  ctx: UserContext,
  facts: Pick<EventFacts, 'action' | 'resource' | 'workspaceId'>,
): Promise<SessionContext> {
  if (ctx.actor.token === null && ctx.actor.sessionId !== null) return ctx as SessionContext;
  await record(ctx, { ...facts, outcome: 'denied', status: 403, reason: 'Not with an API token' });
  throw new AppError('browser-only', 'This can’t be done with an API token: sign in with a browser');
}

/**
 * For what reaches beyond the person: an address that nobody has proved could be anybody's.
 * @throws AppError `email-unverified`; the refusal is an event
 */
export async function requireVerifiedEmail(ctx: UserContext, facts: Pick<EventFacts, 'action' | 'resource'>): Promise<void> {
  if (ctx.actor.emailVerified) return;
  if (ctx.actor.type === 'service-account') return refuse(ctx, facts, 'A service account has no address that anybody could answer to');
  const reason = 'The e-mail address is not verified yet';
  await record(ctx, { ...facts, outcome: 'denied', status: 403, reason });
  throw new AppError('email-unverified', `${reason}: open the link in the mail`);
}

/** Records the refusal of something that exists and throws it. */
export async function refuse(ctx: Context, facts: Pick<EventFacts, 'action' | 'resource' | 'workspaceId'>, reason: string): Promise<never> {
  await record(ctx, { ...facts, outcome: 'denied', status: 403, reason });
  throw new AppError('permission-denied', reason);
}
