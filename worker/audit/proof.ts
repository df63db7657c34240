import type { z } from 'zod';
import type { auditConsistency, auditInclusion } from '@gatehouse/core/api/proof.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { require } from '../platform/commit.ts';
import type { Context } from '../platform/context.ts';
import type { CheckpointKey, SignedCheckpoint, TreeRefusal } from '../platform/objects.ts';
import { auditLog, noteReading, openLedger } from './events.ts';

const RETRY_SECONDS = 30;

/** The log's checkpoint of now: whoever keeps it can tell later whether anything before it was changed. */
export async function readCheckpoint(ctx: Context): Promise<SignedCheckpoint> {
  return proven(await openLedger(await require(ctx, 'audit:read', auditLog)).checkpoint());
}

/** Every key that has signed checkpoints, the newest first. */
export async function readKeys(ctx: Context): Promise<CheckpointKey[]> {
  return openLedger(await require(ctx, 'audit:read', auditLog)).checkpointKeys();
}

/** An event with the proof that it is one of those that a checkpoint covers. It shows the event, so it is reading the log. */
export async function proveInclusion(
  ctx: Context,
  { seq, size }: { seq: number; size?: number | undefined },
): Promise<z.infer<typeof auditInclusion>> {
  const user = await require(ctx, 'audit:read', auditLog);
  await noteReading(user);
  const { entry, ...answer } = proven(await openLedger(user).proveInclusion(seq, size));
  return { seq, ...answer, salt: entry?.salt ?? null, event: entry?.event ?? null };
}

/** That nothing of the first tree is another in the second. */
export async function proveConsistency(
  ctx: Context,
  { first, second }: { first: number; second?: number | undefined },
): Promise<z.infer<typeof auditConsistency>> {
  return proven(await openLedger(await require(ctx, 'audit:read', auditLog)).proveConsistency(first, second));
}

/**
 * @throws AppError `not-found` beyond the log's end, `unavailable` while a log of a former version makes its tree, `gone` before the
 * beginning of one that was rebuilt after a purge
 */
function proven<T extends object>(answer: T | TreeRefusal): T {
  if (!('refused' in answer)) return answer;
  if (answer.refused === 'beyond') throw new AppError('not-found', `The log has ${answer.size} events`);
  if (answer.refused === 'forgotten')
    throw new AppError('gone', 'That part of the log was past retention before the ledger was made anew: nothing of it is known any more');
  throw new AppError('unavailable', 'The tree of this log is still being made', { retryAfter: RETRY_SECONDS });
}
