import type { z } from 'zod';
import type {
  recordingMatches,
  recordingQuery,
  RecordingSettings,
  recordingSettingsPut,
  recordingSlice,
} from '@gatehouse/core/api/recordings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { openSlice, packEvents } from '@gatehouse/core/protocol/recording.ts';
import { refreshRunners } from '../access/policy-runners.ts';
import { commit, eventOf, onGuard, record, require, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { base64url } from '../platform/encoding.ts';
import { requireFresh } from '../platform/fresh.ts';
import {
  currentRecordingKey,
  findRecordingKey,
  newHeldKey,
  newManagedKey,
  openManagedKey,
  type RecordingKeyRow,
} from './recording-keys.ts';
import { sliceKey } from './recording-intake.ts';
import { purgeRecording } from './recording-sweep.ts';
import * as store from './recordings.store.ts';

/** So long one may read on after one has said that one watches. */
const WATCH_HOURS = 12;

const list = { action: 'recording.read' as const, resource: { type: 'recording' as const, id: null, name: 'recordings' } };
const resourceOf = (each: store.RecordingRow) => ({
  type: 'recording' as const,
  id: each.id,
  name: `${each.title} in ${each.workspace_name} of ${each.person_name}`,
});

export async function listRecordings(
  ctx: UserContext,
  query: z.infer<typeof recordingQuery>,
  page: { limit: number; after: string },
): Promise<store.RecordingRow[]> {
  await require(ctx, 'recording:read', list);
  const { person = null, workspace = null, template = null, since = null, until = null } = query;
  return store.findRecordings(ctx.db, { person, workspace, template, since, until }, page);
}

export async function readRecording(ctx: UserContext, id: string): Promise<store.RecordingRow> {
  await require(ctx, 'recording:read', list);
  return existing(ctx, id);
}

/** Somebody is about to watch or to download it: that is on record before they can read a byte. */
export async function watchRecording(ctx: UserContext, id: string, purpose: 'watch' | 'export'): Promise<store.RecordingRow> {
  const action = purpose === 'watch' ? ('recording.watch' as const) : ('recording.export' as const);
  await require(ctx, 'recording:read', { ...list, action });
  const recording = await existing(ctx, id);
  const expiresAt = new Date(ctx.now().getTime() + WATCH_HOURS * 3_600_000).toISOString();
  await commit(ctx, {
    changes: [store.insertWatch(ctx.db, id, ctx.actor.id, expiresAt)],
    events: [eventOf(ctx, { action, resource: resourceOf(recording), status: 200, workspaceId: recording.workspace_id })],
  });
  return recording;
}

/**
 * One slice, opened where the service holds the key.
 * @throws AppError `not-ready` to whoever has not said that they watch
 */
export async function readSlice(ctx: UserContext, { id, n }: { id: string; n: number }): Promise<z.infer<typeof recordingSlice>> {
  await require(ctx, 'recording:read', { ...list, action: 'recording.watch' });
  const recording = await existing(ctx, id);
  if (!(await store.isWatching(ctx.db, id, ctx.actor.id, ctx.now().toISOString())))
    throw new AppError('not-ready', 'Say first that you watch it: POST /recordings/{id}/watch');
  const [hash, key] = await Promise.all([store.sliceHash(ctx.db, id, n), findRecordingKey(ctx.db, recording.key_id)]);
  const stored = hash === undefined ? null : await ctx.recordings.get(sliceKey(ctx.db.tenantId, id, n));
  if (hash === undefined || stored === null || key === undefined)
    throw new AppError('not-found', 'There is no such slice of the recording');
  const bytes = new Uint8Array(await stored.arrayBuffer());
  if (key.kind === 'held') return { slice: n, hash, sealed: base64url(bytes), opened: null };
  const events = await openSlice(bytes, { recordingId: id, slice: n }, await openManagedKey(ctx, key));
  return { slice: n, hash, sealed: null, opened: base64url(packEvents(events)) };
}

/** Lines of text that terminals showed. What is found says what was on a screen, so looking for it is on record. */
export async function searchRecordings(
  ctx: UserContext,
  { q, limit }: { q: string; limit: number },
): Promise<z.infer<typeof recordingMatches>> {
  await require(ctx, 'recording:read', { ...list, action: 'recording.search' });
  await record(ctx, { action: 'recording.search', resource: { type: 'recording', id: null, name: `“${q}”` }, status: 200 });
  const found = await ctx.recordingIndex(ctx.db.tenantId, ctx.db.shard).search(q, limit);
  const [rows, held] = await Promise.all([
    store.recordingsById(ctx.db, [...new Set(found.map(({ recordingId }) => recordingId))]),
    store.countHeld(ctx.db),
  ]);
  const items = found.flatMap(({ recordingId, time, text }) => {
    const row = rows.get(recordingId);
    if (row === undefined) return [];
    const { id, title, workspace, person, startedAt } = store.presentRecording(row);
    return [{ recording: { id, title, workspace, person, startedAt }, at: Math.max(0, time - Date.parse(startedAt)), text }];
  });
  return { items, held };
}

/** Deletes evidence, so it needs a fresh sign-in. @throws AppError `conflict` while it goes on */
export async function deleteRecording(ctx: UserContext, id: string): Promise<void> {
  const facts = { ...list, action: 'recording.delete' as const };
  await requireSession(ctx, facts);
  await require(ctx, 'recording:manage', facts);
  const recording = await existing(ctx, id);
  await requireFresh(ctx, { ...facts, resource: resourceOf(recording) });
  const event = eventOf(ctx, {
    action: 'recording.delete',
    resource: resourceOf(recording),
    status: 204,
    workspaceId: recording.workspace_id,
    details: { hash: recording.hash ?? '' },
  });
  await onGuard(
    commit(ctx, { ...store.deleteRecording(ctx.db, id), events: [event] }),
    () => new AppError('conflict', 'It is still being recorded: close its terminal first'),
  );
  ctx.defer(purgeRecording(ctx, ctx.db, { recordingId: id, slices: recording.slices }));
}

export async function readRecordingSettings(ctx: UserContext): Promise<{ shown: RecordingSettings; revision: number }> {
  await require(ctx, 'recording:read', list);
  const [{ days, revision }, key] = await Promise.all([store.retentionOf(ctx.db), currentRecordingKey(ctx.db)]);
  return { shown: { retentionDays: days, key: key === undefined ? null : presentKey(key) }, revision };
}

/** Whoever chooses the key decides who can read what is recorded from now on, so it needs a fresh sign-in. */
export async function changeRecordingSettings(
  ctx: UserContext,
  revision: number,
  input: z.infer<typeof recordingSettingsPut>,
): Promise<{ shown: RecordingSettings; revision: number }> {
  const facts = { ...list, action: 'recording.policy' as const };
  await requireSession(ctx, facts);
  await require(ctx, 'recording:manage', facts);
  await requireFresh(ctx, facts);
  const { shown: before } = await readRecordingSettings(ctx);
  const { retentionDays, publicKey } = input;
  const key = publicKey === undefined ? [] : [publicKey === null ? await newManagedKey(ctx, false) : newHeldKey(ctx, publicKey)];
  const kind = publicKey === undefined ? before.key?.kind : publicKey === null ? 'managed' : 'held';
  const diff = [
    { path: 'retentionDays', old: before.retentionDays, new: retentionDays, secret: false },
    { path: 'key', old: before.key?.kind ?? null, new: kind ?? null, secret: false },
  ].filter((each) => each.old !== each.new);
  const details = publicKey ? { publicKey } : {};
  await onGuard(
    commit(ctx, {
      guard: store.storeRetention(ctx.db, retentionDays, revision),
      changes: key,
      events: [eventOf(ctx, { ...facts, status: 200, diff, details })],
    }),
    () => new AppError('stale-version', 'Somebody changed this in the meantime. Load it again and repeat your change.'),
  );
  if (key.length > 0) ctx.defer(refreshRunners(ctx));
  return readRecordingSettings(ctx);
}

const presentKey = (key: RecordingKeyRow) => ({ id: key.id, kind: key.kind, publicKey: key.public_key, createdAt: key.created_at });

async function existing(ctx: UserContext, id: string): Promise<store.RecordingRow> {
  const recording = await store.findRecording(ctx.db, id);
  if (recording === undefined) throw new AppError('not-found', 'There is no such recording');
  return recording;
}
