import { z } from 'zod';
import type { setAsideChoice, setAsideDismissed, SetAsideEvent, setAsideQuery, setAsideRetried } from '@gatehouse/core/api/audit.ts';
import { auditAction } from '@gatehouse/core/api/audit.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, record, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { decodeCursor, pageOf } from '../platform/route.ts';
import { find, requireReader, siem } from './destinations.ts';
import { senderOf } from './sender.ts';
import { shapeOf } from './shape.ts';

type Choice = z.infer<typeof setAsideChoice>;

/** Events that the destination refused for good, in the order of the log. @throws AppError `not-found` */
export async function listSetAside(
  ctx: Context,
  id: string,
  { limit, cursor }: z.infer<typeof setAsideQuery>,
): Promise<{ items: SetAsideEvent[]; nextCursor: string | null }> {
  const user = await requireReader(ctx);
  await find(user, id);
  const after = cursor === undefined ? 0 : decodeCursor(cursor, z.tuple([z.number().int()]))[0];
  const rows = await ledgerOf(user).setAsideAfter(id, after, limit + 1);
  const shown = (row: (typeof rows)[number]): SetAsideEvent => ({ ...row, action: auditAction.parse(row.action) });
  return pageOf(rows, limit, shown, ({ seq }) => [seq]);
}

/**
 * Sends events that were set aside again, one after another, as the destination is now. Those that are taken leave the list.
 * @throws AppError `not-found` when the destination, or one of them, isn't there
 */
export async function retrySetAside(ctx: Context, id: string, { seqs }: Choice): Promise<z.infer<typeof setAsideRetried>> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.set_aside.retry', resource: siem(id, id) });
  const destination = await find(user, id);
  const ledger = ledgerOf(user);
  await requireListed(user, id, seqs);
  const [{ send }, shape] = await Promise.all([
    senderOf(user, user.db, destination),
    shapeOf(user.db, { filter: '', format: destination.format }),
  ]);
  const items: z.infer<typeof setAsideRetried>['items'] = [];
  for (const seq of seqs) {
    const body = await ledger.eventAt(seq);
    if (body === null) {
      items.push({ seq, ok: false, status: null, message: 'The event is past retention: dismiss it' });
      continue;
    }
    const { kind, status, message } = await send(shape([body]));
    if (kind === 'delivered') await ledger.forgetSetAside(id, [seq]);
    else if (kind === 'refused' || kind === 'split') await ledger.refusedAgain(id, seq, message, status);
    items.push({ seq, ok: kind === 'delivered', status, message });
    // What stops every event need not be found out for each.
    if (kind === 'hold' || kind === 'retry' || kind === 'gone') break;
  }
  const failed = items.find(({ ok }) => !ok);
  await record(user, {
    ...{ action: 'siem.set_aside.retry', resource: siem(id, destination.name), status: 200, outcome: failed ? 'failure' : 'success' },
    ...(failed ? { reason: failed.message } : {}),
    details: { seqs: items.map(({ seq }) => seq).join(','), delivered: items.filter(({ ok }) => ok).length },
  });
  return { items };
}

/** Takes events off the list: that destination will never get them. @throws AppError `not-found` */
export async function dismissSetAside(ctx: Context, id: string, { seqs }: Choice): Promise<z.infer<typeof setAsideDismissed>> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.set_aside.dismiss', resource: siem(id, id) });
  const destination = await find(user, id);
  await requireListed(user, id, seqs);
  const event = eventOf(user, {
    ...{ action: 'siem.set_aside.dismiss', resource: siem(id, destination.name), status: 200 },
    details: { seqs: seqs.join(',') },
  });
  await commit(user, { events: [event] });
  // The event tells the ledger too; this only spares the wait.
  await ledgerOf(user).forgetSetAside(id, seqs);
  return { dismissed: seqs.length };
}

const ledgerOf = ({ ledger, db }: UserContext) => ledger.open(db.tenantId, db.shard);

async function requireListed(user: UserContext, id: string, seqs: readonly number[]): Promise<void> {
  const listed = await Promise.all(seqs.map((seq) => ledgerOf(user).setAsideAfter(id, seq - 1, 1)));
  const missing = seqs.find((seq, index) => listed[index]?.[0]?.seq !== seq);
  if (missing !== undefined) throw new AppError('not-found', `Event ${missing} is not on the list of what was set aside`);
}
