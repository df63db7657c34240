import type { z } from 'zod';
import type { streamQuery } from '@gatehouse/core/api/audit.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import type { EventPosition, EventQuery } from '../platform/objects.ts';
import { problemOf } from '../platform/problem.ts';
import { filterAsked } from './asked.ts';
import { auditLog, noteReading, openLedger, wholeStatus } from './events.ts';
import { readLog } from './log.ts';

/** What is quiet is told so: proxies close what says nothing, and whether the reader may still read is asked again. */
const HEARTBEAT_MS = 10_000;
/** Whether the reader may still read is asked at most so often while events come. */
const ASKED_AGAIN_MS = 1_000;
/** Events that come in a flood are sent together. */
const GATHER_MS = 200;
const AT_ONCE = 200;
/** An invocation may make so many calls only: after so many rounds the reader comes again by itself. */
const ROUNDS = 250;

export interface Tail {
  query: z.infer<typeof streamQuery>;
  /** `seq` of the last event that the reader has, by Last-Event-ID */
  lastEventId: number | null;
  /** asks anew who it is and what they may: throws when the session has ended */
  askAgain(): Promise<UserContext>;
}

/**
 * Live events as server-sent events, each with its number as id, so that a reader that comes again misses nothing. The
 * Worker asks the ledger, which answers the moment that something new is recorded: so the object keeps no stream and no
 * reader, only calls that wait for a few seconds.
 * @throws AppError `permission-denied`, `invalid-filter`, `unavailable` when too many listen, or while the log is made anew
 */
export async function tailEvents(ctx: Context, tail: Tail): Promise<ReadableStream<Uint8Array>> {
  const user = await require(ctx, 'audit:read', auditLog);
  const filter = filterAsked(tail.query);
  const from = tail.lastEventId ?? tail.query.after ?? (await wholeStatus(user)).size;
  if ((await openLedger(user).waitBeyond(from, 0)) === 'full')
    throw new AppError('unavailable', 'Too many people follow the log at once', { retryAfter: 30 });
  await noteReading(user);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const query: EventQuery = { limit: AT_ONCE, order: 'asc', by: 'seq', ...(filter === null ? {} : { filter }) };
  user.defer(send(user, query, { seq: from, time: '' }, writable.getWriter(), tail.askAgain));
  return readable;
}

/** Sends until the reader goes, may not read any more, or has been here for long enough to come again. */
async function send(
  ctx: UserContext,
  query: EventQuery,
  from: EventPosition,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  askAgain: Tail['askAgain'],
): Promise<void> {
  const write = (text: string) => writer.write(encoder.encode(text));
  try {
    await write('retry: 1000\n\n');
    await follow(ctx, query, from, write, askAgain);
    await writer.close();
  } catch (error) {
    const { code, title } = problemOf(error, ctx.request?.id ?? '');
    // Whoever has gone hears nothing of it.
    await write(`event: end\ndata: ${JSON.stringify({ code, title })}\n\n`).then(
      () => writer.close(),
      () => undefined,
    );
  }
}

async function follow(
  ctx: UserContext,
  query: EventQuery,
  from: EventPosition,
  write: (text: string) => Promise<void>,
  askAgain: Tail['askAgain'],
): Promise<void> {
  let position = from;
  let asked = ctx.now().getTime();
  for (let round = 0; round < ROUNDS; round++) {
    const heard = await openLedger(ctx).waitBeyond(position.seq, HEARTBEAT_MS);
    if (heard === 'full') return;
    if (heard === 'quiet' || ctx.now().getTime() - asked >= ASKED_AGAIN_MS) {
      await mustStillRead(askAgain);
      asked = ctx.now().getTime();
    }
    if (heard === 'quiet') {
      // The number also goes on where nothing matched: who comes again needs not look at that twice.
      await write(`id: ${position.seq}\nevent: quiet\ndata: {}\n\n`);
      continue;
    }
    const page = await readLog(ctx, { ...query, after: position });
    position = page.next ?? position;
    if (page.bodies.length > 0) await write(page.bodies.map(asEvent).join(''));
    if (page.bodies.length < AT_ONCE) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
  }
}

async function mustStillRead(askAgain: Tail['askAgain']): Promise<void> {
  const { actor } = await askAgain();
  if (!actor.permissions.has('audit:read')) throw new AppError('permission-denied', 'This needs the permission audit:read');
}

const encoder = new TextEncoder();
/** JSON has no line ends of its own. */
const asEvent = (body: string): string => `id: ${/"seq":(\d+)/.exec(body)?.[1] ?? ''}\nevent: audit\ndata: ${body}\n\n`;
