import { z } from 'zod';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { sliceKey } from './recording-intake.ts';
import { deleteRecording, RETENTION_DAYS } from './recordings.store.ts';

/** Of one shard at once; the rest follows. */
const AT_ONCE = 500;
/** objects of the bucket that one call deletes */
const KEYS_AT_ONCE = 1000;

const lapsed = z.object({ tenant_id: z.string(), id: z.string(), title: z.string(), workspace_id: z.string(), workspace_name: z.string() });
const toPurge = z.object({ tenant_id: z.string(), recording_id: z.string(), slices: z.number() });

/** Ended, or left behind by a runner that is gone, for longer than its organisation keeps recordings. ?1 now, ?2 the usual days */
const LAPSED = `SELECT r.tenant_id, r.id, r.title, r.workspace_id, r.workspace_name FROM recordings r
  LEFT JOIN recording_settings s ON s.tenant_id = r.tenant_id
  WHERE (r.ended_at IS NOT NULL OR EXISTS
      (SELECT 1 FROM runners x WHERE x.tenant_id = r.tenant_id AND x.id = r.runner_id AND coalesce(x.deleted_at, x.revoked_at) IS NOT NULL))
    AND julianday(?1) - julianday(coalesce(r.ended_at, r.started_at)) > coalesce(s.retention_days, ?2)
  ORDER BY r.ended_at LIMIT ?3`;

/** Deletes what is older than its organisation keeps recordings, in every shard, and takes the deleted from the bucket. */
export async function sweepRecordings(services: Services): Promise<void> {
  // What is kept for days need not be looked through each minute.
  const isTime = services.now().getUTCMinutes() === 0;
  for (const [shard, d1] of services.shards) {
    const { results } = !isTime
      ? { results: [] }
      : await d1.prepare(LAPSED).bind(services.now().toISOString(), RETENTION_DAYS, AT_ONCE).all();
    for (const each of results) await lapse(services, shard, lapsed.parse(each));
    const { results: purges } = await d1.prepare('SELECT * FROM recording_purges LIMIT ?1').bind(AT_ONCE).all();
    for (const each of purges) {
      const { tenant_id: tenantId, recording_id: recordingId, slices } = toPurge.parse(each);
      await purgeRecording(services, services.tenantDb(shard, tenantId), { recordingId, slices });
    }
  }
}

async function lapse(services: Services, shard: string, recording: z.infer<typeof lapsed>): Promise<void> {
  const ctx = objectContext(services, { tenantId: recording.tenant_id, shard }, { type: 'system', name: 'Gatehouse' });
  const event = eventOf(ctx, {
    action: 'recording.delete',
    resource: { type: 'recording', id: recording.id, name: `${recording.title} in ${recording.workspace_name}` },
    reason: 'It was kept for as long as the organisation keeps recordings',
    workspaceId: recording.workspace_id,
  });
  try {
    await commit(ctx, { ...deleteRecording(ctx.db, recording.id), events: [event] });
  } catch (error) {
    // Somebody deleted it at this moment.
    if (!(error instanceof GuardFailed)) throw error;
  }
}

/** Takes a deleted recording from the bucket and the index. Idempotent; the sweep repeats it until it is done. */
export async function purgeRecording(
  { recordings, recordingIndex }: Pick<Services, 'recordings' | 'recordingIndex'>,
  db: TenantDb,
  { recordingId, slices }: { recordingId: string; slices: number },
): Promise<void> {
  // One more than is known: a slice may have come that nobody counted.
  const keys = Array.from({ length: slices + 1 }, (_, slice) => sliceKey(db.tenantId, recordingId, slice));
  for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) await recordings.delete(keys.slice(at, at + KEYS_AT_ONCE));
  await recordingIndex(db.tenantId, db.shard).remove(recordingId);
  await db.rows('DELETE FROM recording_purges WHERE tenant_id = ? AND recording_id = ?', db.tenantId, recordingId);
}
