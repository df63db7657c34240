import { createDeliveryTables } from './ledger.delivery.schema.ts';
import { CHECKPOINT_SCHEMA } from './ledger.checkpoint.ts';
import { TREE_SCHEMA } from './ledger.tree.ts';
import { FINDING_TABLES } from './ledger.findings.ts';

/**
 * The ledger's tables. Indexes on one column serve `WHERE column = ? ORDER BY seq`, for SQLite ends each
 * of their entries with the row's key, which is `seq`.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tenant_id TEXT NOT NULL,
  shard TEXT NOT NULL,
  size INTEGER NOT NULL,
  frontier BLOB NOT NULL,
  recorded_at TEXT NOT NULL,
  clear_at INTEGER
) STRICT;

CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  time TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  actor_id TEXT,
  action TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT,
  outcome TEXT NOT NULL,
  salt BLOB NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS events_identity ON events (source, event_id);
CREATE INDEX IF NOT EXISTS events_time ON events (time);
CREATE INDEX IF NOT EXISTS events_actor ON events (actor_id);
CREATE INDEX IF NOT EXISTS events_action ON events (action);
CREATE INDEX IF NOT EXISTS events_type ON events (resource_type);
CREATE INDEX IF NOT EXISTS events_resource ON events (resource_id);
CREATE INDEX IF NOT EXISTS events_outcome ON events (outcome) WHERE outcome <> 'success';

-- Leaves outlive the events that leave the hot index: proofs are made from them.
CREATE TABLE IF NOT EXISTS leaves (
  seq INTEGER PRIMARY KEY,
  hash BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS segments (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL,
  sealed_at TEXT NOT NULL,
  announcements INTEGER NOT NULL DEFAULT 0,
  announce_at INTEGER NOT NULL,
  archived_at TEXT,
  etag TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS segments_unarchived ON segments (first) WHERE archived_at IS NULL;
CREATE INDEX IF NOT EXISTS segments_announce ON segments (announce_at) WHERE archived_at IS NULL;

-- Outbox rows whose events are held here, to be deleted in D1.
CREATE TABLE IF NOT EXISTS acknowledged (outbox_id TEXT PRIMARY KEY) STRICT;

CREATE TABLE IF NOT EXISTS destinations (
  id TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  lease TEXT,
  lease_until INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  ring_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  last_success_at INTEGER,
  last_error_at INTEGER,
  last_error TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS destinations_ring ON destinations (ring_at) WHERE ring_at IS NOT NULL;
`;

export function createTables(sql: SqlStorage): void {
  sql.exec(SCHEMA + TREE_SCHEMA + CHECKPOINT_SCHEMA + FINDING_TABLES);
  createDeliveryTables(sql);
}

/** The ledger's one row about itself. Times are ISO where events carry them, milliseconds where they only schedule. */
export interface Head {
  tenantId: string;
  shard: string;
  /** number of events, and `seq` of the last */
  size: number;
  /** hashes of 32 bytes, one after the other, the largest subtree first */
  frontier: Uint8Array;
  recordedAt: string;
  /** when held outbox rows are deleted next */
  clearAt: number | null;
}

/** null before the first event */
export function readHead(sql: SqlStorage): Head | null {
  const [row] = sql.exec<{
    tenant_id: string;
    shard: string;
    size: number;
    frontier: ArrayBuffer;
    recorded_at: string;
    clear_at: number | null;
  }>('SELECT tenant_id, shard, size, frontier, recorded_at, clear_at FROM head');
  if (!row) return null;
  return {
    tenantId: row.tenant_id,
    shard: row.shard,
    size: row.size,
    frontier: new Uint8Array(row.frontier),
    recordedAt: row.recorded_at,
    clearAt: row.clear_at,
  };
}

export function writeHead(sql: SqlStorage, head: Head): void {
  sql.exec(
    'INSERT OR REPLACE INTO head (one, tenant_id, shard, size, frontier, recorded_at, clear_at) VALUES (1, ?, ?, ?, ?, ?, ?)',
    head.tenantId,
    head.shard,
    head.size,
    head.frontier,
    head.recordedAt,
    head.clearAt,
  );
}

/** `seq` of the oldest event in the hot index; null when there is none. */
export const oldestHot = (sql: SqlStorage): number | null =>
  sql.exec<{ seq: number | null }>('SELECT min(seq) AS seq FROM events').one().seq;
