import { z } from 'zod';
import type { auditQuery } from '@gatehouse/core/api/audit.ts';
import { auditEvent, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { eventOf, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import type { EventPosition, EventQuery, LedgerStatus, Rebuilding } from '../platform/objects.ts';
import { decodeCursor, encodeCursor } from '../platform/route.ts';
import { base64url } from '../platform/encoding.ts';
import { filterAsked } from './asked.ts';
import { sha256 } from './hash.ts';
import { readLog } from './log.ts';
import { recurringEventId } from './recurring.ts';

type AuditQuery = z.infer<typeof auditQuery>;

export const auditLog = { action: 'audit.read', resource: { type: 'audit', id: null, name: 'Audit log' } } as const;

/** Pages that one session or token may read in a minute. */
const READING = { limit: 600, windowSeconds: 60 };

/** What collectors read to slow down by themselves. */
export interface Allowance {
  limit: number;
  remaining: number;
  /** seconds since the epoch */
  resetsAt: number;
}

export interface EventList {
  /** each event's JSON */
  bodies: string[];
  nextCursor: string | null;
  hasMore: boolean;
  progress: { seq: number; time: string | null } | null;
  allowance: Allowance;
}

/**
 * One page of the tenant's log. Without `until`, ascending, it is polled: `nextCursor` is never null, and
 * whoever follows it gets every event once. Otherwise the pages come to an end.
 * @throws AppError `permission-denied`, `invalid-filter`, `invalid` for a cursor of another query, `gone` past retention
 */
export async function listEvents(ctx: Context, query: AuditQuery): Promise<EventList> {
  const user = await require(ctx, 'audit:read', auditLog);
  const asked = ledgerQuery(user, query);
  const [allowance] = await Promise.all([allow(user), noteReading(user)]);
  const page = await readLog(user, asked);
  const polled = asked.by === 'seq' && asked.order === 'asc';
  return {
    bodies: page.bodies,
    nextCursor: page.next && encodeCursor([fingerprint(user, query), page.next.seq, page.next.time]),
    hasMore: page.next !== null && (!polled || page.bodies.length === query.limit || page.progress !== null),
    progress: page.progress,
    allowance,
  };
}

/** Events of a page as the API's own list has them. */
export const eventsOf = (bodies: readonly string[]): AuditEvent[] => bodies.map((body) => auditEvent.parse(JSON.parse(body)));

/** How far recording and archive are. @throws AppError `permission-denied`, `unavailable` while the log is made anew */
export async function readStatus(ctx: Context): Promise<Omit<LedgerStatus, 'rebuilding'>> {
  return wholeStatus(await require(ctx, 'audit:read', auditLog));
}

export const openLedger = ({ ledger, db }: Context) => ledger.open(db.tenantId, db.shard);

/** What the ledger says of the whole log. @throws AppError `unavailable` while it is made anew: then it has a part of it only */
export async function wholeStatus(ctx: Context): Promise<Omit<LedgerStatus, 'rebuilding'>> {
  const { rebuilding, ...status } = await openLedger(ctx).status();
  mustBeWhole(rebuilding);
  return status;
}

/** When to ask again after a log that is made anew: it takes minutes for a million events. One that met a fault waits for people. */
const WHOLE_AGAIN = { seconds: 15, faultSeconds: 300 };

/** @throws AppError `unavailable`, saying how far it is */
function mustBeWhole(rebuilding: Rebuilding | null): void {
  if (rebuilding === null) return;
  const far = `${rebuilding.recorded.toLocaleString('en-GB')} events so far`;
  if (rebuilding.fault === null)
    throw new AppError('unavailable', `The log is being restored from its archive, ${far}. What happens meanwhile is kept and follows`, {
      retryAfter: WHOLE_AGAIN.seconds,
    });
  throw new AppError('unavailable', `Restoring the log from its archive has stopped, ${far}: the operator of this deployment has to look`, {
    retryAfter: WHOLE_AGAIN.faultSeconds,
  });
}

/** What of a session or token reads, for what is counted by reader. */
const readerOf = ({ actor }: UserContext): string => String(actor.sessionId ?? actor.token?.id);

/** @throws AppError `rate-limited` */
async function allow(ctx: UserContext): Promise<Allowance> {
  const { remaining, resetsAt, waitSeconds } = await ctx.throttle.spend(`audit ${readerOf(ctx)}`, READING);
  if (waitSeconds > 0)
    throw new AppError('rate-limited', `At most ${READING.limit} pages a minute: go on in ${waitSeconds} seconds`, {
      retryAfter: waitSeconds,
    });
  return { limit: READING.limit, remaining, resetsAt: Math.ceil(resetsAt / 1000) };
}

/**
 * Reading the log is recorded before anything is shown, but once per session or token and window: otherwise a page
 * that refreshes would fill the log with the news that it was read. The id is the same within the window,
 * and the ledger takes each id once. Nothing in D1 changes, so no outbox row is needed.
 * @throws AppError `unavailable` while the log is made anew: it can't be recorded, so nothing is shown
 */
export async function noteReading(ctx: UserContext): Promise<void> {
  const event = {
    ...eventOf(ctx, { ...auditLog, status: 200 }),
    id: recurringEventId(`audit.read|${readerOf(ctx)}`, ctx.now()),
  };
  const { tenantId, shard } = ctx.db;
  const ledger = openLedger(ctx);
  const request = { tenantId, shard, source: 'audit', batches: [{ outboxId: event.id, events: [event] }] };
  await orNotWhole(ledger, ledger.append(request));
}

/** A call that writes to the ledger. @throws AppError `unavailable` where it failed because the log is made anew */
export async function orNotWhole<T>(ledger: ReturnType<typeof openLedger>, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    // What an object throws is no AppError any more out here; whether that is the reason is asked only now.
    mustBeWhole(await ledger.rebuilding());
    throw error;
  }
}

function ledgerQuery(ctx: Context, query: AuditQuery): EventQuery {
  const { limit, order, cursor, since, until } = query;
  const byTime = until !== undefined || (order === 'desc' && since !== undefined);
  const filter = filterAsked(query);
  return {
    limit,
    order,
    by: byTime ? 'time' : 'seq',
    ...(filter === null ? {} : { filter }),
    ...(cursor === undefined ? {} : { after: positionOf(ctx, query, cursor) }),
    ...(since === undefined ? {} : { since: exactTime(since) }),
    ...(until === undefined ? {} : { until: exactTime(until) }),
  };
}

/** Times are compared as text, so all have milliseconds. */
export const exactTime = (time: string): string => new Date(time).toISOString();

const cursorKeys = z.tuple([z.string(), z.number().int().min(0), z.string()]);

function positionOf(ctx: Context, query: AuditQuery, cursor: string): EventPosition {
  const [bound, seq, time] = decodeCursor(cursor, cursorKeys);
  if (bound === fingerprint(ctx, query)) return { seq, time };
  throw new AppError('invalid', 'The cursor is not one of this list', {
    errors: [{ path: 'cursor', message: 'belongs to another filter or order' }],
  });
}

/** A cursor is good only for the tenant and the filter it was made with; the page's size and form may change. */
function fingerprint({ db }: Context, { limit: _limit, cursor: _cursor, format: _format, ...filter }: AuditQuery): string {
  const facts = Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1));
  return base64url(sha256(new TextEncoder().encode(JSON.stringify([db.tenantId, facts]))).slice(0, 12));
}
