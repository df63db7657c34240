import { createDeliveryTables } from './ledger.delivery.schema.ts';
import { CHECKPOINT_SCHEMA } from './ledger.checkpoint.ts';
import { TREE_SCHEMA } from './ledger.tree.ts';
import { FINDING_OVERVIEW_INDEX, FINDING_TABLES } from './ledger.findings.ts';
import { ERASED_SCHEMA, ERASURE_SCHEMA } from './ledger.erasure.schema.ts';
import { RETENTION_SCHEMA } from './ledger.retention.ts';

/** The ledger's tables. An index on one column serves `ORDER BY column, seq`: SQLite ends each entry with the row's key. */
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

-- The JSON of an event is packed (ledger.body.ts); \`body\` holds it in rows that are not packed yet.
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  time TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  salt BLOB NOT NULL,
  body TEXT NOT NULL,
  packed BLOB,
  size INTEGER
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS events_identity ON events (source, event_id);
CREATE INDEX IF NOT EXISTS events_time ON events (time);

-- Which events have a value: lists of them in order (terms.ts).
CREATE TABLE IF NOT EXISTS terms (
  term INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (term, seq)
) WITHOUT ROWID, STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (
  text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);
-- The values of closed unions that ever came: few.
CREATE TABLE IF NOT EXISTS seen (attribute TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (attribute, value)) WITHOUT ROWID, STRICT;

-- Milliseconds by which an event was ever ahead of its recording, and behind it: what a range of time can reach.
CREATE TABLE IF NOT EXISTS drift (one INTEGER PRIMARY KEY CHECK (one = 1), ahead INTEGER NOT NULL, behind INTEGER NOT NULL) STRICT;
-- Events from that one on have their terms; \`legacy\`: the table has columns of a former version (ledger.upgrade.ts).
CREATE TABLE IF NOT EXISTS upgrade (one INTEGER PRIMARY KEY CHECK (one = 1), indexed_from INTEGER NOT NULL, legacy INTEGER NOT NULL) STRICT;

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
  etag TEXT,
  -- earliest and latest time of its events; null where a former version sealed it
  min_time TEXT,
  max_time TEXT,
  -- where it lies once it is part of a larger file: which, and the bytes in it
  file TEXT,
  file_offset INTEGER,
  file_length INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS segments_unarchived ON segments (first) WHERE archived_at IS NULL;
CREATE INDEX IF NOT EXISTS segments_announce ON segments (announce_at) WHERE archived_at IS NULL;

-- Segments up to \`done\` are in larger files, or stay as they are; files that are not needed any more wait to be deleted.
CREATE TABLE IF NOT EXISTS compaction (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  done INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  -- deletions are not announced again before
  discard_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS leftovers (
  key TEXT PRIMARY KEY,
  -- how often the archive would not delete it, since when, and until when it is left alone (milliseconds)
  refusals INTEGER NOT NULL DEFAULT 0,
  refused_since INTEGER,
  not_before INTEGER NOT NULL DEFAULT 0
) STRICT;

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

/** Where a ledger stands that is being made anew from the archive; no row: it is not. */
const REBUILD_SCHEMA = `
CREATE TABLE IF NOT EXISTS rebuild (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tenant_id TEXT NOT NULL,
  shard TEXT NOT NULL,
  after_key TEXT NOT NULL,
  fault TEXT
) STRICT;
`;

/** What tables of former versions lack. */
const ADDED: ReadonlyArray<[table: string, column: string, type: string]> = [
  ['events', 'packed', 'BLOB'],
  ['events', 'size', 'INTEGER'],
  ['segments', 'min_time', 'TEXT'],
  ['segments', 'max_time', 'TEXT'],
  ['segments', 'file', 'TEXT'],
  ['segments', 'file_offset', 'INTEGER'],
  ['segments', 'file_length', 'INTEGER'],
  ['findings', 'looked_at', 'INTEGER'],
  ['leftovers', 'refusals', 'INTEGER NOT NULL DEFAULT 0'],
  ['leftovers', 'refused_since', 'INTEGER'],
  ['leftovers', 'not_before', 'INTEGER NOT NULL DEFAULT 0'],
  ['compaction', 'discard_at', 'INTEGER NOT NULL DEFAULT 0'],
];

/** A bucket lock may keep very many. */
const LEFTOVER_INDEXES = `
CREATE INDEX IF NOT EXISTS leftovers_due ON leftovers (not_before, key);
CREATE INDEX IF NOT EXISTS leftovers_refused ON leftovers (refused_since) WHERE refused_since IS NOT NULL;
`;

const DROPPED_INDEXES = ['events_actor', 'events_action', 'events_type', 'events_resource', 'events_outcome'];

/** Makes the tables, or what they lack. What former versions wrote is brought up by and by (ledger.upgrade.ts). */
export function createTables(sql: SqlStorage): void {
  sql.exec(SCHEMA + TREE_SCHEMA + CHECKPOINT_SCHEMA + FINDING_TABLES + RETENTION_SCHEMA + REBUILD_SCHEMA + ERASED_SCHEMA + ERASURE_SCHEMA);
  for (const [table, column, type] of ADDED)
    if (!hasColumn(sql, table, column)) sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  sql.exec(FINDING_OVERVIEW_INDEX);
  sql.exec(LEFTOVER_INDEXES);
  for (const index of DROPPED_INDEXES) sql.exec(`DROP INDEX IF EXISTS ${index}`);
  sql.exec('INSERT OR IGNORE INTO drift (one, ahead, behind) VALUES (1, 0, 0)');
  sql.exec('INSERT OR IGNORE INTO compaction (one, done, not_before) VALUES (1, 0, 0)');
  const legacy = hasColumn(sql, 'events', 'action');
  const from = legacy ? (readHead(sql)?.size ?? 0) + 1 : 1;
  sql.exec('INSERT OR IGNORE INTO upgrade (one, indexed_from, legacy) VALUES (1, ?, ?)', from, legacy ? 1 : 0);
  createDeliveryTables(sql);
}

const hasColumn = (sql: SqlStorage, table: string, column: string): boolean =>
  sql.exec('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, column).toArray().length > 0;

/** `legacy`: rows have the columns that the first version had beside the body. They are left empty. */
export const upgradeState = (sql: SqlStorage): { indexedFrom: number; legacy: boolean } => {
  const row = sql.exec<{ indexed_from: number; legacy: number }>('SELECT indexed_from, legacy FROM upgrade').one();
  return { indexedFrom: row.indexed_from, legacy: row.legacy === 1 };
};

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
