import { z } from 'zod';
import { SNAPSHOT_STATES, type Snapshot, type snapshotEnd } from '@gatehouse/core/api/snapshots.ts';
import { SNAPSHOT_CAUSES, type SnapshotCause } from '@gatehouse/core/protocol/snapshot.ts';
import { takesNew } from './queue.store.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const names = z
  .string()
  .nullable()
  .transform((text) =>
    z.object({ count: z.number(), names: z.array(z.string()) }).parse(text === null ? { count: 0, names: [] } : JSON.parse(text)),
  );
const row = z.object({
  id: z.string(),
  workspace_id: z.string(),
  seq: z.number(),
  state: z.enum(SNAPSHOT_STATES),
  cause: z.enum(SNAPSHOT_CAUSES),
  asked_by: z.string().nullable(),
  runner_id: z.string(),
  runner_name: z.string(),
  store_id: z.string(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  exact: z.number(),
  files: z.number(),
  bytes: z.number(),
  sent: z.number(),
  changed: names,
  left_out: names,
  error: z.string().nullable(),
});
export type SnapshotRow = z.infer<typeof row>;

const SELECT = `SELECT s.id, s.workspace_id, s.seq, s.state, s.cause, s.asked_by, s.runner_id, coalesce(r.name, s.runner_id) AS runner_name,
  s.store_id, s.started_at, s.ended_at, s.exact, s.files, s.bytes, s.sent, s.changed, s.left_out, s.error
  FROM snapshots s LEFT JOIN runners r ON r.tenant_id = ?1 AND r.id = s.runner_id WHERE s.tenant_id = ?1`;

export const presentSnapshot = (each: SnapshotRow): Snapshot => ({
  ...{ id: each.id, state: each.state, cause: each.cause, by: each.asked_by },
  ...{ startedAt: each.started_at, endedAt: each.ended_at, runner: { id: each.runner_id, name: each.runner_name } },
  ...{ isExact: each.exact === 1, files: each.files, bytes: each.bytes, sent: each.sent },
  ...{ changed: each.changed, leftOut: each.left_out, error: each.error },
});

/** Of one workspace, the newest first. There are too few for pages. */
export async function listSnapshots(db: TenantDb, workspaceId: string): Promise<SnapshotRow[]> {
  const rows = await db.rows(`${SELECT} AND s.workspace_id = ?2 ORDER BY s.seq DESC LIMIT 50`, db.tenantId, workspaceId);
  return rows.map((each) => row.parse(each));
}

export async function findSnapshot(db: TenantDb, id: string): Promise<SnapshotRow | undefined> {
  const found = await db.first(`${SELECT} AND s.id = ?2`, db.tenantId, id);
  return found === undefined ? undefined : row.parse(found);
}

/** What all snapshots of a workspace take, sealed. */
export const storedBytes = async (db: TenantDb, workspaceId: string): Promise<number> =>
  (
    await db.first<{ bytes: number }>(
      `SELECT (SELECT coalesce(sum(bytes), 0) FROM snapshot_chunks WHERE tenant_id = ?1 AND workspace_id = ?2)
         + (SELECT coalesce(sum(manifest_bytes), 0) FROM snapshots WHERE tenant_id = ?1 AND workspace_id = ?2) AS bytes`,
      db.tenantId,
      workspaceId,
    )
  )?.bytes ?? 0;

export interface NewSnapshot {
  id: string;
  workspaceId: string;
  runnerId: string;
  storeId: string;
  state: 'asked' | 'making';
  cause: SnapshotCause;
  askedBy: string | null;
  startedAt: string;
}

/** A new one where the workspace is that runner's and has a key. Its number is the next: `countUp` goes with it. */
export const insertSnapshot = (db: TenantDb, made: NewSnapshot): Statement =>
  statement(
    `INSERT INTO snapshots (tenant_id, id, workspace_id, seq, state, cause, asked_by, runner_id, store_id, started_at)
     SELECT ?1, ?2, h.workspace_id, h.seq + 1, ?5, ?6, ?7, w.runner_id, ?8, ?9
     FROM snapshot_homes h JOIN workspaces w ON w.tenant_id = ?1 AND w.id = h.workspace_id AND w.runner_id = ?4
     WHERE h.tenant_id = ?1 AND h.workspace_id = ?3 AND w.phase <> 'deleted'
       AND (?5 <> 'asked' OR NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.tenant_id = ?1 AND s.workspace_id = ?3 AND s.state = 'asked'))
     ON CONFLICT DO NOTHING`,
    ...[db.tenantId, made.id, made.workspaceId, made.runnerId, made.state, made.cause, made.askedBy, made.storeId, made.startedAt],
  );

/** The count of a workspace is that of its newest snapshot, also when that goes later. */
export const countUp = (db: TenantDb, workspaceId: string): Statement =>
  statement(
    `UPDATE snapshot_homes SET seq = max(seq, (SELECT coalesce(max(s.seq), 0) FROM snapshots s WHERE s.tenant_id = ?1 AND s.workspace_id = ?2))
     WHERE tenant_id = ?1 AND workspace_id = ?2`,
    ...[db.tenantId, workspaceId],
  );

/** The runner begins with one that was asked for. */
export const beginAsked = (db: TenantDb, id: string, storeId: string, now: string): Statement =>
  statement(
    `UPDATE snapshots SET state = 'making', store_id = ?3, started_at = ?4 WHERE tenant_id = ?1 AND id = ?2 AND state = 'asked'`,
    ...[db.tenantId, id, storeId, now],
  );

/** A runner makes one of a workspace at a time: when it begins another, or has lost the workspace, that one was broken off. */
export const breakOff = (db: TenantDb, workspaceId: string, butId: string | null, now: string, error: string): Statement =>
  statement(
    `UPDATE snapshots SET state = 'failed', ended_at = ?4, error = ?5
     WHERE tenant_id = ?1 AND workspace_id = ?2 AND state IN ('making', CASE WHEN ?3 IS NULL THEN 'asked' ELSE 'making' END) AND id IS NOT ?3`,
    ...[db.tenantId, workspaceId, butId, now, error],
  );

/** Where a chunk lies: one that went and comes again lies elsewhere, so that what takes the old one never meets the new. */
const chunkKey = (db: TenantDb, chunk: { workspace_id: string; first_seq: number; id: string }): string =>
  `${db.tenantId}/${chunk.workspace_id}/${chunk.first_seq}/${chunk.id}`;
export const newChunkKey = (db: TenantDb, { workspace_id, seq }: SnapshotRow, id: string): string =>
  chunkKey(db, { workspace_id, first_seq: seq, id });
export const manifestKey = (db: TenantDb, { workspace_id, id }: Pick<SnapshotRow, 'workspace_id' | 'id'>): string =>
  `${db.tenantId}/${workspace_id}/${id}`;

/** Chunks that are there become this snapshot's, too. @returns those that are there */
export async function claimChunks(db: TenantDb, snapshot: SnapshotRow, ids: readonly string[]): Promise<Set<string>> {
  const bound = [db.tenantId, snapshot.workspace_id, snapshot.store_id, JSON.stringify(ids)];
  const where = 'tenant_id = ?1 AND workspace_id = ?2 AND store_id = ?3 AND id IN (SELECT value FROM json_each(?4))';
  const [, found] = await db.batch([
    statement(`UPDATE snapshot_chunks SET last_seq = max(last_seq, ?5) WHERE ${where} AND last_seq < ?5`, ...bound, snapshot.seq),
    statement(`SELECT id FROM snapshot_chunks WHERE ${where}`, ...bound),
  ]);
  return new Set((found?.rows ?? []).map((each) => String(each['id'])));
}

/** A chunk that is stored now, and what it takes. */
export const insertChunk = (db: TenantDb, snapshot: SnapshotRow, id: string, bytes: number): Statement[] => [
  statement(
    `INSERT INTO snapshot_chunks (tenant_id, workspace_id, store_id, id, first_seq, last_seq, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
     ON CONFLICT DO NOTHING`,
    ...[db.tenantId, snapshot.workspace_id, snapshot.store_id, id, snapshot.seq, bytes],
  ),
  statement(
    'UPDATE snapshot_stores SET bytes = bytes + ?3 WHERE tenant_id = ?1 AND id = ?2 AND changes() > 0',
    ...[db.tenantId, snapshot.store_id, bytes],
  ),
  statement(
    'UPDATE snapshots SET sent = sent + ?3 WHERE tenant_id = ?1 AND id = ?2 AND changes() > 0',
    ...[db.tenantId, snapshot.id, bytes],
  ),
];

export const keepManifest = (db: TenantDb, snapshot: SnapshotRow, bytes: number): Statement[] => [
  statement(
    `UPDATE snapshot_stores SET bytes = bytes + ?3 - (SELECT manifest_bytes FROM snapshots WHERE tenant_id = ?1 AND id = ?4)
     WHERE tenant_id = ?1 AND id = ?2`,
    ...[db.tenantId, snapshot.store_id, bytes, snapshot.id],
  ),
  statement('UPDATE snapshots SET manifest_bytes = ?3 WHERE tenant_id = ?1 AND id = ?2', ...[db.tenantId, snapshot.id, bytes]),
];

/** Where a chunk of a snapshot lies; undefined: it is none of its workspace's in that store. */
export async function findChunkKey(db: TenantDb, snapshot: SnapshotRow, id: string): Promise<string | undefined> {
  const found = await db.first<{ workspace_id: string; first_seq: number; id: string }>(
    'SELECT workspace_id, first_seq, id FROM snapshot_chunks WHERE tenant_id = ? AND workspace_id = ? AND store_id = ? AND id = ?',
    ...[db.tenantId, snapshot.workspace_id, snapshot.store_id, id],
  );
  return found === undefined ? undefined : chunkKey(db, found);
}

type Done = Extract<z.infer<typeof snapshotEnd>, { outcome: 'done' }>;

/** Ends it, if the service has all of it. */
export const finishSnapshot = (db: TenantDb, { id, workspace_id, store_id, seq }: SnapshotRow, end: Done, now: string): Statement =>
  statement(
    `UPDATE snapshots SET state = 'done', ended_at = ?3, exact = ?4, files = ?5, bytes = ?6, sent = ?7, changed = ?8, left_out = ?9
     WHERE tenant_id = ?1 AND id = ?2 AND state = 'making' AND manifest_bytes > 0 AND ?10 =
       (SELECT count(*) FROM snapshot_chunks c WHERE c.tenant_id = ?1 AND c.workspace_id = ?11 AND c.store_id = ?12 AND c.last_seq = ?13)`,
    ...[db.tenantId, id, now, end.isExact ? 1 : 0, end.files, end.bytes, end.sent, JSON.stringify(end.changed)],
    ...[JSON.stringify(end.leftOut), end.chunks, workspace_id, store_id, seq],
  );

export const failSnapshot = (db: TenantDb, id: string, error: string, now: string): Statement =>
  statement(
    `UPDATE snapshots SET state = 'failed', ended_at = ?3, error = ?4 WHERE tenant_id = ?1 AND id = ?2 AND state IN ('asked', 'making')`,
    ...[db.tenantId, id, now, error],
  );

/** Chunks of a workspace that no snapshot needs. ?1 tenant, ?2 workspace */
const UNNEEDED = `tenant_id = ?1 AND workspace_id = ?2 AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.tenant_id = ?1 AND s.workspace_id = ?2
  AND s.store_id = snapshot_chunks.store_id AND s.state IN ('making', 'done') AND s.seq BETWEEN snapshot_chunks.first_seq AND snapshot_chunks.last_seq)`;

/**
 * Removes snapshots of a workspace, and remembers which objects are to be taken from the bucket: their manifests, and the
 * chunks that no other needs.
 */
export function removeSnapshots(db: TenantDb, workspaceId: string, ids: readonly string[]): { guard: Statement; changes: Statement[] } {
  const bound = [db.tenantId, workspaceId];
  const chosen = [...bound, JSON.stringify(ids)];
  const those = 'tenant_id = ?1 AND workspace_id = ?2 AND id IN (SELECT value FROM json_each(?3))';
  return {
    guard: statement(
      `INSERT INTO snapshot_purges (tenant_id, store_id, object_key)
       SELECT tenant_id, store_id, ?1 || '/' || ?2 || '/' || id FROM snapshots WHERE ${those} ON CONFLICT DO NOTHING`,
      ...chosen,
    ),
    changes: [
      statement(
        `UPDATE snapshot_stores SET bytes = bytes - (SELECT coalesce(sum(s.manifest_bytes), 0) FROM snapshots s
           WHERE s.tenant_id = ?1 AND s.workspace_id = ?2 AND s.store_id = snapshot_stores.id AND s.id IN (SELECT value FROM json_each(?3)))
         WHERE tenant_id = ?1`,
        ...chosen,
      ),
      statement(`DELETE FROM snapshots WHERE ${those}`, ...chosen),
      statement(
        `INSERT INTO snapshot_purges (tenant_id, store_id, object_key)
         SELECT tenant_id, store_id, ?1 || '/' || ?2 || '/' || first_seq || '/' || id FROM snapshot_chunks WHERE ${UNNEEDED} ON CONFLICT DO NOTHING`,
        ...bound,
      ),
      statement(
        `UPDATE snapshot_stores SET bytes = bytes - (SELECT coalesce(sum(bytes), 0) FROM snapshot_chunks
           WHERE snapshot_chunks.store_id = snapshot_stores.id AND snapshot_chunks.${UNNEEDED})
         WHERE tenant_id = ?1`,
        ...bound,
      ),
      statement(`DELETE FROM snapshot_chunks WHERE ${UNNEEDED}`, ...bound),
    ],
  };
}

/** The key of a workspace goes with its last snapshot. */
export const removeHome = (db: TenantDb, workspaceId: string): Statement =>
  statement('DELETE FROM snapshot_homes WHERE tenant_id = ? AND workspace_id = ?', db.tenantId, workspaceId);

const homeRow = z.object({
  workspace_id: z.string(),
  key: z.string(),
  restore_id: z.string().nullable(),
  restore_generation: z.number().nullable(),
  asked: z.string().nullable(),
});
export type HomeRow = z.infer<typeof homeRow>;

export async function findHomes(db: TenantDb, workspaceIds: readonly string[]): Promise<Map<string, HomeRow>> {
  const rows = await db.rows(
    `SELECT h.workspace_id, h.key, h.restore_id, h.restore_generation, (SELECT max(s.id) FROM snapshots s WHERE s.tenant_id = ?1
       AND s.workspace_id = h.workspace_id AND s.cause = 'asked' AND s.state IN ('asked', 'making')) AS asked
     FROM snapshot_homes h WHERE h.tenant_id = ?1 AND h.workspace_id IN (SELECT value FROM json_each(?2))`,
    db.tenantId,
    JSON.stringify(workspaceIds),
  );
  return new Map(rows.map((each) => homeRow.parse(each)).map((each) => [each.workspace_id, each]));
}

export const keyAddress = (workspaceId: string) => ({ table: 'snapshot_homes', column: 'key', row: workspaceId });

/** @param key sealed; the first one stays */
export const insertHome = (db: TenantDb, workspaceId: string, key: string): Statement =>
  statement(
    'INSERT INTO snapshot_homes (tenant_id, workspace_id, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    db.tenantId,
    workspaceId,
    key,
  );

/** What the home is to be replaced with, by the wish that makes this generation. */
export const wishRestore = (
  db: TenantDb,
  workspaceId: string,
  wish: { snapshotId: string; generation: number; kind: 'replace' | 'move' },
): Statement =>
  statement(
    'UPDATE snapshot_homes SET restore_id = ?3, restore_generation = ?4, restore_kind = ?5 WHERE tenant_id = ?1 AND workspace_id = ?2',
    ...[db.tenantId, workspaceId, wish.snapshotId, wish.generation, wish.kind],
  );

/** A restore that is wanted up to this generation. */
export const findRestore = (db: TenantDb, workspaceId: string, generation: number) =>
  db.first<{ restore_id: string; restore_kind: 'replace' | 'move'; restore_generation: number }>(
    `SELECT restore_id, restore_kind, restore_generation FROM snapshot_homes
     WHERE tenant_id = ? AND workspace_id = ? AND restore_id IS NOT NULL AND restore_generation <= ?`,
    ...[db.tenantId, workspaceId, generation],
  );

export const endRestore = (db: TenantDb, workspaceId: string): Statement =>
  statement(
    'UPDATE snapshot_homes SET restore_id = NULL, restore_generation = NULL, restore_kind = NULL WHERE tenant_id = ? AND workspace_id = ?',
    ...[db.tenantId, workspaceId],
  );

/** A workspace becomes another runner's, if it is still as the caller saw it. */
export const moveTo = (db: TenantDb, seen: { id: string; generation: number; runner_id: string }, runnerId: string, now: Date): Statement =>
  statement(
    `UPDATE workspaces SET runner_id = ?5, generation = generation + 1, step = NULL, percent = NULL, error = NULL, failure = NULL, changed_at = ?6,
       place = 0, waits_since = CASE desired WHEN 'running' THEN ?6 END,
       phase = CASE desired WHEN 'running' THEN 'queued' ELSE 'stopping' END,
       started_at = CASE desired WHEN 'running' THEN ?6 ELSE started_at END
     WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND runner_id = ?4 AND desired <> 'deleted' AND phase <> 'deleted'
       AND trashed_at IS NULL AND ${takesNew('?5', '1')}`,
    ...[db.tenantId, seen.id, seen.generation, seen.runner_id, runnerId, now.toISOString()],
  );
