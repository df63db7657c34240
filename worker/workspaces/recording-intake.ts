import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { recordingPut, slicePut } from '@gatehouse/core/api/recordings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { openSlice, readRecords } from '@gatehouse/core/protocol/recording.ts';
import { screenLines } from '@gatehouse/core/protocol/screen-text.ts';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import { fromBase64url } from '../platform/encoding.ts';
import { findRecordingKey, openManagedKey } from './recording-keys.ts';
import * as store from './recordings.store.ts';
import type { RunnerContext } from './runners.ts';

/** Where a slice lies in the bucket. */
export const sliceKey = (tenantId: string, recordingId: string, slice: number): string => `${tenantId}/${recordingId}/${slice}`;

/**
 * A runner says that it records, or that a recording has ended. Idempotent.
 * @throws AppError `not-found` when the workspace is not this runner's; `conflict` when slices of an ended one are missing
 */
export async function putRecording(ctx: RunnerContext, id: string, input: z.infer<typeof recordingPut>): Promise<void> {
  const known = await ownRecording(ctx, id);
  const workspace = await store.recordedWorkspace(ctx.db, ctx.actor.id, input.workspaceId);
  if (workspace === undefined) throw notFound();
  const resource = { type: 'recording' as const, id, name: `${input.title} in ${workspace.name} of ${workspace.owner}` };
  const facts = { resource, workspaceId: input.workspaceId };
  if (known === undefined) {
    const details = { key: input.keyId, terminal: input.terminalId };
    await once(
      commit(ctx, {
        guard: store.insertRecording(ctx.db, ctx.actor.id, { id, ...input }),
        events: [eventOf(ctx, { ...facts, action: 'recording.start', status: 204, details })],
      }),
    );
    if ((await ownRecording(ctx, id)) === undefined) throw notFound();
  }
  const { end } = input;
  if (end === null || typeof known?.ended_at === 'string') return;
  await once(
    commit(ctx, {
      guard: store.finishRecording(ctx.db, id, end),
      events: [eventOf(ctx, { ...facts, action: 'recording.finish', status: 204, details: { slices: end.slices, hash: end.hash ?? '' } })],
    }),
  );
  if (typeof (await ownRecording(ctx, id))?.ended_at !== 'string')
    throw new AppError('conflict', 'Slices of the recording are missing, or others');
}

/**
 * Stores the next slice of a recording; the same slice again changes nothing.
 * @throws AppError `conflict` when another one is next, or another one is stored; `invalid` when it is no slice that follows
 */
export async function putSlice(ctx: RunnerContext, { id, n }: { id: string; n: number }, input: z.infer<typeof slicePut>): Promise<void> {
  const recording = await ownRecording(ctx, id);
  if (recording === undefined) throw notFound();
  if (n < recording.slices) {
    if ((await store.sliceHash(ctx.db, id, n)) === input.hash) return;
    throw new AppError('conflict', `Slice ${n} is another one`);
  }
  if (n > recording.slices || recording.ended_at !== null) throw new AppError('conflict', `Slice ${recording.slices} is next, not ${n}`);
  const bytes = fromBase64url(input.bytes);
  if (createHash('sha256').update(bytes).digest('hex') !== input.hash) throw fault('hash', 'is not the hash of these bytes');
  const { previous, end } = readRecords(bytes);
  if (end !== bytes.byteLength) throw fault('bytes', 'must end with a whole record');
  if (hex(previous) !== (recording.hash ?? '0'.repeat(64))) throw fault('bytes', 'does not follow the slice before it');
  await ctx.recordings.put(sliceKey(ctx.db.tenantId, id, n), bytes);
  await indexSlice(ctx, recording, n, bytes);
  await ctx.db.batch(store.addSlice(ctx.db, id, { number: n, hash: input.hash, bytes: bytes.byteLength }));
}

/** What the service can read it makes findable; what it can't read it keeps. */
async function indexSlice(ctx: RunnerContext, recording: store.RecordingRow, slice: number, bytes: Uint8Array): Promise<void> {
  const key = await findRecordingKey(ctx.db, recording.key_id);
  if (key?.kind !== 'managed') return;
  try {
    const events = await openSlice(bytes, { recordingId: recording.id, slice }, await openManagedKey(ctx, key));
    await ctx.recordingIndex(ctx.db.tenantId, ctx.db.shard).add(recording.id, slice, screenLines(events));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid') throw error;
    throw fault('bytes', 'does not open with the key that it is said to be sealed to');
  }
}

/** The recording, if it is of a workspace of this runner. */
async function ownRecording(ctx: RunnerContext, id: string): Promise<store.RecordingRow | undefined> {
  const recording = await store.findRecording(ctx.db, id);
  if (recording !== undefined && recording.runner_id !== ctx.actor.id) throw notFound();
  return recording;
}

/** Whoever said the same a moment ago has done it. */
const once = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    if (!(error instanceof GuardFailed)) throw error;
  });

const notFound = () => new AppError('not-found', 'There is no such recording of a workspace of this runner');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fault = (path: string, message: string) => new AppError('invalid', `The slice ${message}`, { errors: [{ path, message }] });
