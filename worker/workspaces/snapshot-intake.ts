import type { z } from 'zod';
import { MOST_SERVICE_BYTES, outlived, type snapshotBegin, type snapshotEnd } from '@gatehouse/core/api/snapshots.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { MOST_SEALED_CHUNK, MOST_SEALED_MANIFEST, SEAL_BYTES } from '@gatehouse/core/protocol/snapshot.ts';
import { commit, eventOf, GuardFailed, onGuard } from '../platform/commit.ts';
import type { RunnerContext } from './runners.ts';
import { choiceOf, findStore, openStore, storeNamed } from './snapshot-stores.ts';
import * as store from './snapshots.store.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';

const notFound = () => new AppError('not-found', 'There is no such snapshot of a workspace of this runner');

/**
 * A runner begins a snapshot, one that was asked for or its own. Idempotent. What it was making before is broken off.
 * @throws AppError `not-found` when the workspace is not this runner's; `not-ready` when no snapshots are made
 */
export async function beginSnapshot(ctx: RunnerContext, id: string, { workspaceId, cause }: z.infer<typeof snapshotBegin>): Promise<void> {
  const { db, actor } = ctx;
  const [choice, workspace] = await Promise.all([choiceOf(db), findWorkspace(db, workspaceId)]);
  if (workspace?.runner_id !== actor.id || !ctx.confirmed) throw notFound();
  if (choice.store_id === null) throw new AppError('not-ready', 'The organisation keeps no snapshots');
  const now = ctx.now().toISOString();
  const made = { id, workspaceId, runnerId: actor.id, storeId: choice.store_id, cause, askedBy: null, startedAt: now };
  await db.batch([
    store.breakOff(db, workspaceId, id, now, 'It was broken off'),
    store.beginAsked(db, id, choice.store_id, now),
    store.insertSnapshot(db, { ...made, state: 'making' }),
    store.countUp(db, workspaceId),
  ]);
  await makingSnapshot(ctx, id);
}

/** Which of these chunks are not stored yet; the others belong to this snapshot from now on. */
export async function claimChunks(ctx: RunnerContext, id: string, chunks: readonly string[]): Promise<string[]> {
  const { snapshot } = await makingSnapshot(ctx, id);
  const found = await store.claimChunks(ctx.db, snapshot, chunks);
  return chunks.filter((chunk) => !found.has(chunk));
}

/** Stores a chunk; the same again changes nothing. @throws AppError `too-large`, `quota-exceeded`, `unavailable` */
export async function putChunk(ctx: RunnerContext, { id, chunk }: { id: string; chunk: string }, body: Request): Promise<void> {
  const { snapshot } = await makingSnapshot(ctx, id);
  if ((await store.findChunkKey(ctx.db, snapshot, chunk)) !== undefined) return void (await body.body?.cancel());
  const bytes = await readSealed(body, MOST_SEALED_CHUNK);
  const place = await roomFor(ctx, snapshot, bytes.byteLength);
  await place.put(store.newChunkKey(ctx.db, snapshot, chunk), bytes);
  await ctx.db.batch(store.insertChunk(ctx.db, snapshot, chunk, bytes.byteLength));
}

/** Stores the list of a snapshot's chunks, sealed. The same again takes its place. */
export async function putManifest(ctx: RunnerContext, id: string, body: Request): Promise<void> {
  const { snapshot } = await makingSnapshot(ctx, id);
  const bytes = await readSealed(body, MOST_SEALED_MANIFEST);
  const place = await roomFor(ctx, snapshot, bytes.byteLength);
  await place.put(store.manifestKey(ctx.db, snapshot), bytes);
  await ctx.db.batch(store.keepManifest(ctx.db, snapshot, bytes.byteLength));
}

/**
 * What became of a snapshot. Idempotent. With a finished one, those that are kept no longer go.
 * @throws AppError `conflict` when chunks are missing
 */
export async function endSnapshot(ctx: RunnerContext, id: string, end: z.infer<typeof snapshotEnd>): Promise<void> {
  const { snapshot, workspace } = await ownSnapshot(ctx, id);
  const now = ctx.now().toISOString();
  const facts = { action: 'workspace.snapshot' as const, resource: { type: 'workspace' as const, id: workspace.id, name: workspace.name } };
  const about = { ...facts, workspaceId: workspace.id };
  if (end.outcome === 'failed') {
    const details = { snapshot: id, cause: snapshot.cause };
    const event = eventOf(ctx, { ...about, outcome: 'failure', reason: end.error, details });
    // One that has ended, has.
    await commit(ctx, { guard: store.failSnapshot(ctx.db, id, end.error, now), events: [event] }).catch(ignoreGuard);
    return;
  }
  if (snapshot.state === 'done') return;
  const { files, bytes, sent, isExact } = end;
  const details = { snapshot: id, cause: snapshot.cause, files, bytes, sent, exact: isExact, leftOut: end.leftOut.count };
  const event = eventOf(ctx, { ...about, status: 204, details });
  await onGuard(
    commit(ctx, { guard: store.finishSnapshot(ctx.db, snapshot, end, now), events: [event] }),
    () => new AppError('conflict', 'Chunks of the snapshot are missing, or its list'),
  );
  await letGo(ctx, workspace);
}

/** Removes what is not kept any longer, now that there is a newer one. */
async function letGo(ctx: RunnerContext, workspace: WorkspaceRow): Promise<void> {
  const all = await store.listSnapshots(ctx.db, workspace.id);
  const restore = (await store.findHomes(ctx.db, [workspace.id])).get(workspace.id)?.restore_id ?? null;
  const finished = all.filter(({ state }) => state === 'done').map((each) => ({ id: each.id, startedAt: each.started_at }));
  const failed = all.filter(({ state }) => state === 'failed').map(({ id }) => id);
  const old = outlived(finished).filter((id) => id !== restore);
  if (old.length + failed.length === 0) return;
  const event = eventOf(ctx, {
    action: 'workspace.snapshot.delete',
    resource: { type: 'workspace', id: workspace.id, name: workspace.name },
    actor: { type: 'system', id: null, name: 'Gatehouse', email: null, via: null },
    reason: 'Newer ones took their place',
    workspaceId: workspace.id,
    details: { snapshots: old.join(' '), count: old.length },
  });
  const removal = store.removeSnapshots(ctx.db, workspace.id, [...old, ...failed]);
  // Nobody need hear of attempts that failed and left nothing.
  if (old.length > 0) await commit(ctx, { ...removal, events: [event] }).catch(ignoreGuard);
  else await ctx.db.batch([removal.guard, ...removal.changes]);
}

/** The list of a snapshot that the runner may restore. @throws AppError `not-found` */
export async function readManifest(ctx: RunnerContext, id: string): Promise<ReadableStream<Uint8Array>> {
  const { snapshot } = await ownSnapshot(ctx, id);
  if (snapshot.state !== 'done') throw notFound();
  const found = await (await storeNamed(ctx, snapshot.store_id)).get(store.manifestKey(ctx.db, snapshot));
  if (found === null) throw new AppError('not-found', 'The list of the snapshot is not in the store any more');
  return found;
}

/** A chunk of it. @throws AppError `not-found` */
export async function readChunk(ctx: RunnerContext, { id, chunk }: { id: string; chunk: string }): Promise<ReadableStream<Uint8Array>> {
  const { snapshot } = await ownSnapshot(ctx, id);
  const key = await store.findChunkKey(ctx.db, snapshot, chunk);
  const found = key === undefined ? null : await (await storeNamed(ctx, snapshot.store_id)).get(key);
  if (found === null) throw new AppError('not-found', 'The chunk is not in the store any more');
  return found;
}

/** The snapshot, of whichever runner, if its workspace is this one's now. */
async function ownSnapshot(ctx: RunnerContext, id: string): Promise<{ snapshot: store.SnapshotRow; workspace: WorkspaceRow }> {
  const snapshot = await store.findSnapshot(ctx.db, id);
  const workspace = snapshot && (await findWorkspace(ctx.db, snapshot.workspace_id));
  if (workspace?.runner_id !== ctx.actor.id || !ctx.confirmed || snapshot === undefined) throw notFound();
  return { snapshot, workspace };
}

async function makingSnapshot(ctx: RunnerContext, id: string) {
  const own = await ownSnapshot(ctx, id);
  if (own.snapshot.state !== 'making') throw new AppError('conflict', 'The snapshot is not being made any more');
  return own;
}

/** The store of a snapshot, if so much fits in. */
async function roomFor(ctx: RunnerContext, snapshot: store.SnapshotRow, bytes: number) {
  const found = await findStore(ctx.db, snapshot.store_id);
  if (found === undefined) throw notFound();
  if (found.kind === 'service' && found.bytes + bytes > MOST_SERVICE_BYTES)
    throw new AppError('quota-exceeded', 'The organisation’s snapshots take all the room that the service has for them');
  return openStore(ctx, found);
}

/** A body of bounded size, as bytes. */
async function readSealed(request: Request, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > most) throw new AppError('too-large', `It is at most ${most} bytes`);
    chunks.push(chunk);
  }
  if (size <= SEAL_BYTES) throw new AppError('invalid', 'The body is not sealed', { errors: [{ path: '', message: 'is too short' }] });
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

const ignoreGuard = (error: unknown) => {
  if (!(error instanceof GuardFailed)) throw error;
};
