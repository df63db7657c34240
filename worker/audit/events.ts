import { z } from 'zod';
import type { auditQuery } from '@gatehouse/core/api/audit.ts';
import { auditEvent, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { eventOf, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import type { EventPage, EventPosition, EventQuery, LedgerStatus } from '../platform/objects.ts';
import { decodeCursor, encodeCursor } from '../platform/route.ts';
import { base64url } from '../platform/encoding.ts';
import { sha256 } from './hash.ts';
import { recurringEventId } from './recurring.ts';

type AuditQuery = z.infer<typeof auditQuery>;

export const auditLog = { action: 'audit.read', resource: { type: 'audit', id: null, name: 'Audit log' } } as const;

/**
 * One page of the tenant's log. Without `until`, ascending, it is polled: `nextCursor` is never null, and
 * whoever follows it gets every event once. Otherwise the pages come to an end.
 * @throws AppError `permission-denied`, `invalid` for a cursor of another query, `gone` past the hot index
 */
export async function listEvents(ctx: Context, query: AuditQuery): Promise<{ items: AuditEvent[]; nextCursor: string | null }> {
  const user = await require(ctx, 'audit:read', auditLog);
  const asked = ledgerQuery(user, query);
  await noteReading(user);
  const page = await openLedger(user).query(asked);
  refuseGap(asked, page);
  return {
    items: page.bodies.map((body) => auditEvent.parse(JSON.parse(body))),
    nextCursor: page.next && encodeCursor([fingerprint(user, query), page.next.seq, page.next.time]),
  };
}

/** How far recording and archive are. */
export async function readStatus(ctx: Context): Promise<LedgerStatus> {
  return openLedger(await require(ctx, 'audit:read', auditLog)).status();
}

export const openLedger = ({ ledger, db }: Context) => ledger.open(db.tenantId, db.shard);

/**
 * Reading the log is recorded before anything is shown, but once per session or token and window: otherwise a page
 * that refreshes would fill the log with the news that it was read. The id is the same within the window,
 * and the ledger takes each id once. Nothing in D1 changes, so no outbox row is needed.
 */
export async function noteReading(ctx: UserContext): Promise<void> {
  const event = {
    ...eventOf(ctx, { ...auditLog, status: 200 }),
    id: recurringEventId(`audit.read|${ctx.actor.sessionId ?? ctx.actor.token?.id}`, ctx.now()),
  };
  const { tenantId, shard } = ctx.db;
  await openLedger(ctx).append({ tenantId, shard, source: 'audit', batches: [{ outboxId: event.id, events: [event] }] });
}

function ledgerQuery(ctx: Context, query: AuditQuery): EventQuery {
  const { limit, order, cursor, since, until, ...filter } = query;
  const byTime = until !== undefined || (order === 'desc' && since !== undefined);
  return {
    limit,
    order,
    by: byTime ? 'time' : 'seq',
    ...Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)),
    ...(cursor === undefined ? {} : { after: positionOf(ctx, query, cursor) }),
    ...(since === undefined ? {} : { since: exactTime(since) }),
    ...(until === undefined ? {} : { until: exactTime(until) }),
  };
}

/** Times are compared as text, so all have milliseconds. */
const exactTime = (time: string): string => new Date(time).toISOString();

const cursorKeys = z.tuple([z.string(), z.number().int().min(0), z.string()]);

function positionOf(ctx: Context, query: AuditQuery, cursor: string): EventPosition {
  const [bound, seq, time] = decodeCursor(cursor, cursorKeys);
  if (bound === fingerprint(ctx, query)) return { seq, time };
  throw new AppError('invalid', 'The cursor is not one of this list', {
    errors: [{ path: 'cursor', message: 'belongs to another filter or order' }],
  });
}

/** A cursor is good only for the tenant and the filter it was made with; the page's size may change. */
function fingerprint({ db }: Context, { limit: _limit, cursor: _cursor, ...filter }: AuditQuery): string {
  const facts = Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1));
  return base64url(sha256(new TextEncoder().encode(JSON.stringify([db.tenantId, facts]))).slice(0, 12));
}

/** A poller that was away for too long is told so: silence would look like completeness. */
function refuseGap({ by, order, after }: EventQuery, { oldest }: EventPage): void {
  if (by === 'seq' && order === 'asc' && after && oldest > after.seq + 1)
    throw new AppError('gone', `Events up to ${oldest - 1} are in the archive only; begin again without a cursor`);
}
