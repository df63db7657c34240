import type { z } from 'zod';
import type { Destination, replayStart } from '@gatehouse/core/api/audit.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { find, presentOne, siem } from './destinations.ts';
import { changeReplay } from './destinations.store.ts';
import { openLedger, wholeStatus } from './events.ts';

/**
 * Sends a range of the log once more, with a cursor of its own: live delivery goes on beside it.
 * @throws AppError `not-found`, `invalid` when no event is in the range, `not-ready` while another runs
 */
export async function startReplay(ctx: Context, id: string, { from, to }: z.infer<typeof replayStart>): Promise<Destination> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.replay.start', resource: siem(id, id) });
  const destination = await find(user, id);
  const { first, last } = await rangeOf(user, from, to);
  if (first > last) {
    const message = 'begins behind the end of the range, or of the log; or all of it is past retention';
    throw new AppError('invalid', `from ${message}`, { errors: [{ path: 'from', message }] });
  }
  const replay = user.newId('replay');
  const event = eventOf(user, {
    ...{ action: 'siem.replay.start', resource: siem(id, destination.name), status: 202 },
    details: { replay, first, last },
  });
  await onGuard(
    commit(user, { guard: changeReplay(user.db, id, null, replay), events: [event] }),
    () => new AppError('not-ready', 'A part of the log is being sent again already: cancel that first'),
  );
  const shown = await presentOne(user, { ...destination, replay });
  const progress = {
    first,
    last,
    deliveredTo: first - 1,
    state: 'running',
    startedAt: event.time,
    endedAt: null,
    lastError: null,
  } as const;
  // The event may still be on its way to the ledger.
  return { ...shown, replay: shown.replay?.startedAt === undefined || shown.replay.state !== 'running' ? progress : shown.replay };
}

async function rangeOf(user: UserContext, from: number | string, to?: number | string): Promise<{ first: number; last: number }> {
  const opened = openLedger(user);
  const { size, oldest } = await wholeStatus(user);
  const at = (time: string, later = 0) => opened.firstRecordedFrom(new Date(Date.parse(time) + later).toISOString());
  const first = Math.max(typeof from === 'number' ? from : await at(from), oldest?.seq ?? 1);
  if (to === undefined) return { first, last: size };
  // Both ends belong to the range: the last one is before the first of the next millisecond.
  return { first, last: Math.min(typeof to === 'number' ? to : (await at(to, 1)) - 1, size) };
}

/** Stops sending the range; what has arrived stays there. @throws AppError `not-found`, `not-ready` when none runs */
export async function cancelReplay(ctx: Context, id: string): Promise<Destination> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.replay.cancel', resource: siem(id, id) });
  const destination = await find(user, id);
  const { replay } = destination;
  const none = () => new AppError('not-ready', 'No part of the log is being sent again');
  if (replay === null) throw none();
  const event = eventOf(user, {
    ...{ action: 'siem.replay.cancel', resource: siem(id, destination.name), status: 200 },
    details: { replay },
  });
  await onGuard(commit(user, { guard: changeReplay(user.db, id, replay, null), events: [event] }), none);
  // The event tells the ledger too; this only spares the wait.
  await openLedger(user).endReplay(id, 'cancelled');
  return presentOne(user, { ...destination, replay: null });
}
