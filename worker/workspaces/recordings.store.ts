import { z } from 'zod';
import { KEY_KINDS, type Recording } from '@gatehouse/core/api/recordings.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({
  id: z.string(),
  title: z.string(),
  workspace_id: z.string(),
  workspace_name: z.string(),
  template_id: z.string(),
  template_name: z.string(),
  person_id: z.string(),
  person_name: z.string(),
  runner_id: z.string(),
  key_id: z.string(),
  key_kind: z.enum(KEY_KINDS),
  public_key: z.string(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  slices: z.number(),
  bytes: z.number(),
  hash: z.string().nullable(),
});
export type RecordingRow = z.infer<typeof row>;

const SELECT = `SELECT r.id, r.title, r.workspace_id, r.workspace_name, r.template_id, r.template_name, r.person_id, r.person_name,
  r.runner_id, r.key_id, k.kind AS key_kind, k.public_key, r.started_at, r.ended_at, r.slices, r.bytes, r.hash
  FROM recordings r JOIN recording_keys k ON k.tenant_id = ?1 AND k.id = r.key_id WHERE r.tenant_id = ?1`;

export interface RecordingFilter {
  person: string | null;
  workspace: string | null;
  template: string | null;
  since: string | null;
  until: string | null;
}

/** Newest first; one more than asked for where there are more. `after`: the id of the last that was seen, or empty. */
export async function findRecordings(
  db: TenantDb,
  filter: RecordingFilter,
  page: { limit: number; after: string },
): Promise<RecordingRow[]> {
  const bound: unknown[] = [db.tenantId];
  const where = (condition: string, value: unknown): string => {
    if (value === null || value === '') return '';
    bound.push(value);
    return ` AND ${condition} ?${bound.length}`;
  };
  const conditions = [
    where('r.person_id =', filter.person),
    where('r.workspace_id =', filter.workspace),
    where('r.template_id =', filter.template),
    where("coalesce(r.ended_at, '9') >=", filter.since),
    where('r.started_at <', filter.until),
    where('r.id <', page.after),
  ];
  bound.push(page.limit + 1);
  const rows = await db.rows(`${SELECT}${conditions.join('')} ORDER BY r.id DESC LIMIT ?${bound.length}`, ...bound);
  return rows.map((each) => row.parse(each));
}

export async function findRecording(db: TenantDb, id: string): Promise<RecordingRow | undefined> {
  const found = await db.first(`${SELECT} AND r.id = ?2`, db.tenantId, id);
  return found === undefined ? undefined : row.parse(found);
}

export async function recordingsById(db: TenantDb, ids: readonly string[]): Promise<Map<string, RecordingRow>> {
  const rows = await db.rows(`${SELECT} AND r.id IN (SELECT value FROM json_each(?2))`, db.tenantId, JSON.stringify(ids));
  return new Map(rows.map((each) => row.parse(each)).map((each) => [each.id, each]));
}

export const presentRecording = (each: RecordingRow): Recording => ({
  id: each.id,
  title: each.title,
  workspace: { id: each.workspace_id, name: each.workspace_name },
  template: { id: each.template_id, name: each.template_name },
  person: { id: each.person_id, name: each.person_name },
  startedAt: each.started_at,
  endedAt: each.ended_at,
  state: each.ended_at === null ? 'recording' : 'finished',
  key: { id: each.key_id, kind: each.key_kind, publicKey: each.public_key },
  slices: each.slices,
  bytes: each.bytes,
  hash: each.hash,
});

/** What is recorded, by what of it the runner knows: its workspace, of this runner. */
export const insertRecording = (
  db: TenantDb,
  runnerId: string,
  recording: { id: string; workspaceId: string; terminalId: string; title: string; keyId: string; startedAt: string },
): Statement =>
  statement(
    `INSERT INTO recordings (tenant_id, id, title, workspace_id, workspace_name, template_id, template_name, person_id, person_name,
       runner_id, terminal_id, key_id, started_at)
     SELECT ?1, ?2, ?3, w.id, w.name, w.template_id, t.name, w.owner_id, coalesce(u.name, w.owner_id), ?4, ?5, k.id, ?6
     FROM workspaces w
     JOIN templates t ON t.tenant_id = ?1 AND t.id = w.template_id
     JOIN recording_keys k ON k.tenant_id = ?1 AND k.id = ?7
     LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
     WHERE w.tenant_id = ?1 AND w.runner_id = ?4 AND w.id = ?8
     ON CONFLICT DO NOTHING`,
    ...[db.tenantId, recording.id, recording.title, runnerId, recording.terminalId, recording.startedAt, recording.keyId],
    recording.workspaceId,
  );

/** Names of the workspace and of its owner, for the event. */
export const recordedWorkspace = (db: TenantDb, runnerId: string, workspaceId: string) =>
  db.first<{ name: string; owner: string }>(
    `SELECT w.name, coalesce(u.name, w.owner_id) AS owner FROM workspaces w LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
     WHERE w.tenant_id = ?1 AND w.runner_id = ?2 AND w.id = ?3`,
    ...[db.tenantId, runnerId, workspaceId],
  );

/** Ends it, if the service has all of it. */
export const finishRecording = (db: TenantDb, id: string, end: { at: string; slices: number; hash: string | null }): Statement =>
  statement(
    'UPDATE recordings SET ended_at = ?3 WHERE tenant_id = ?1 AND id = ?2 AND ended_at IS NULL AND slices = ?4 AND hash IS ?5',
    ...[db.tenantId, id, end.at, end.slices, end.hash],
  );

export const sliceHash = async (db: TenantDb, id: string, number: number): Promise<string | undefined> =>
  (
    await db.first<{ hash: string }>(
      'SELECT hash FROM recording_slices WHERE tenant_id = ? AND recording_id = ? AND number = ?',
      ...[db.tenantId, id, number],
    )
  )?.hash;

/** The next slice of a recording is stored. Nothing changes where it is not the next any more. */
export const addSlice = (db: TenantDb, id: string, slice: { number: number; hash: string; bytes: number }): Statement[] => [
  statement(
    `INSERT INTO recording_slices (tenant_id, recording_id, number, hash)
     SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM recordings WHERE tenant_id = ?1 AND id = ?2 AND slices = ?3) ON CONFLICT DO NOTHING`,
    ...[db.tenantId, id, slice.number, slice.hash],
  ),
  statement(
    'UPDATE recordings SET slices = slices + 1, bytes = bytes + ?4, hash = ?5 WHERE tenant_id = ?1 AND id = ?2 AND slices = ?3',
    ...[db.tenantId, id, slice.number, slice.bytes, slice.hash],
  ),
];

/** That somebody watches, until then. */
export const insertWatch = (db: TenantDb, id: string, actorId: string, expiresAt: string): Statement =>
  statement(
    `INSERT INTO recording_watches (tenant_id, recording_id, actor_id, expires_at) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (tenant_id, recording_id, actor_id) DO UPDATE SET expires_at = ?4`,
    ...[db.tenantId, id, actorId, expiresAt],
  );

export const isWatching = async (db: TenantDb, id: string, actorId: string, now: string): Promise<boolean> =>
  (await db.first(
    'SELECT 1 FROM recording_watches WHERE tenant_id = ? AND recording_id = ? AND actor_id = ? AND expires_at > ?',
    ...[db.tenantId, id, actorId, now],
  )) !== undefined;

/** Removes a recording that has ended, or whose runner is gone, and remembers what of it is to be purged. */
export const deleteRecording = (db: TenantDb, id: string): { guard: Statement; changes: Statement[] } => ({
  guard: statement(
    `INSERT INTO recording_purges (tenant_id, recording_id, slices)
     SELECT tenant_id, id, slices FROM recordings WHERE tenant_id = ?1 AND id = ?2 AND (ended_at IS NOT NULL OR EXISTS
       (SELECT 1 FROM runners x WHERE x.tenant_id = ?1 AND x.id = recordings.runner_id AND coalesce(x.deleted_at, x.revoked_at) IS NOT NULL))`,
    ...[db.tenantId, id],
  ),
  changes: [
    statement('DELETE FROM recording_slices WHERE tenant_id = ? AND recording_id = ?', db.tenantId, id),
    statement('DELETE FROM recording_watches WHERE tenant_id = ? AND recording_id = ?', db.tenantId, id),
    statement('DELETE FROM recordings WHERE tenant_id = ? AND id = ?', db.tenantId, id),
  ],
});

export const RETENTION_DAYS = 90;

/** `revision` 0: nobody has chosen anything yet. */
export const retentionOf = async (db: TenantDb): Promise<{ days: number; revision: number }> =>
  (await db.first<{ days: number; revision: number }>(
    'SELECT retention_days AS days, revision FROM recording_settings WHERE tenant_id = ?',
    db.tenantId,
  )) ?? { days: RETENTION_DAYS, revision: 0 };

/** Matches nothing unless the settings are still that revision. */
export const storeRetention = (db: TenantDb, days: number, revision: number): Statement =>
  statement(
    `INSERT INTO recording_settings (tenant_id, retention_days, revision)
     SELECT ?1, ?2, 1 WHERE ?3 = 0 OR EXISTS (SELECT 1 FROM recording_settings WHERE tenant_id = ?1 AND revision = ?3)
     ON CONFLICT (tenant_id) DO UPDATE SET retention_days = excluded.retention_days, revision = recording_settings.revision + 1
       WHERE recording_settings.revision = ?3`,
    ...[db.tenantId, days, revision],
  );

export const countHeld = async (db: TenantDb): Promise<number> =>
  (
    await db.first<{ held: number }>(
      `SELECT count(*) AS held FROM recordings r JOIN recording_keys k ON k.tenant_id = ?1 AND k.id = r.key_id
       WHERE r.tenant_id = ?1 AND k.kind = 'held'`,
      db.tenantId,
    )
  )?.held ?? 0;
