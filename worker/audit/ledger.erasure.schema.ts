/**
 * Which events are erased; it outlives their rows. `pending`: their line in the archive has still to be looked at. `erasure`:
 * number of the event that asked for it, while that is under way: afterwards nothing says whose they were.
 */
export const ERASED_SCHEMA = `
CREATE TABLE IF NOT EXISTS erased (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  erasure INTEGER,
  pending INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS erased_pending ON erased (seq) WHERE pending = 1;
CREATE INDEX IF NOT EXISTS erased_by ON erased (erasure, seq) WHERE erasure IS NOT NULL;
`;

/**
 * Erasures, one for each person, the oldest first. `next`: events up to that number have still to be looked at; then, in the
 * archive, those behind it. Addresses are kept only while they are looked for.
 */
export const ERASURE_SCHEMA = `
CREATE TABLE IF NOT EXISTS erasures (
  person TEXT PRIMARY KEY,
  asked INTEGER NOT NULL,
  asked_at TEXT NOT NULL,
  stage TEXT NOT NULL,
  next INTEGER NOT NULL,
  addresses TEXT NOT NULL DEFAULT '[]',
  findings TEXT NOT NULL DEFAULT '[]',
  erased INTEGER NOT NULL DEFAULT 0,
  after_key TEXT NOT NULL DEFAULT '',
  not_before INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  refusal TEXT,
  ended_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS erasures_open ON erasures (asked) WHERE stage <> 'done';
CREATE INDEX IF NOT EXISTS erasures_asked_at ON erasures (asked_at);

-- Files that nothing points to any more, or does not yet, and that may hold what is erased.
CREATE TABLE IF NOT EXISTS erasure_files (key TEXT PRIMARY KEY, not_before INTEGER NOT NULL) STRICT;
-- When what is left to do without an erasure under way is tried again.
CREATE TABLE IF NOT EXISTS erasure_upkeep (one INTEGER PRIMARY KEY CHECK (one = 1), not_before INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO erasure_upkeep (one, not_before) VALUES (1, 0);
`;
