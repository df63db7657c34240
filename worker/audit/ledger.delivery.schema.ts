/**
 * What delivery keeps besides the table `destinations`, whose rows are cursors: one for each destination (its id), and one for
 * its last replay (`<id>/replay`, with `until`).
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS set_aside (
  destination_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  action TEXT NOT NULL,
  time TEXT NOT NULL,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  status INTEGER,
  attempts INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (destination_id, seq)
) STRICT, WITHOUT ROWID;

-- Answers by hour and class of status, for thirty days.
CREATE TABLE IF NOT EXISTS delivery_health (
  destination_id TEXT NOT NULL,
  hour INTEGER NOT NULL,
  events INTEGER NOT NULL DEFAULT 0,
  ok INTEGER NOT NULL DEFAULT 0,
  redirected INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  broken INTEGER NOT NULL DEFAULT 0,
  silent INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (destination_id, hour)
) STRICT, WITHOUT ROWID;
`;

/** Columns that ledgers of former versions lack. */
const ADDED: Record<string, string> = {
  /** last event of the batch that was handed out and not settled: a repetition is the same batch */
  batch_to: 'INTEGER',
  refused_in_a_row: 'INTEGER NOT NULL DEFAULT 0',
  last_note_at: 'INTEGER',
  last_note: 'TEXT',
  /** since when something waits and nothing moves */
  waiting_since: 'INTEGER',
  /** when to tell people, and whether they were told: 0 no, 1 that it stalls, 2 that it recovered is still to be told */
  tell_at: 'INTEGER',
  told: 'INTEGER NOT NULL DEFAULT 0',
  held: 'INTEGER NOT NULL DEFAULT 0',
  token: 'TEXT',
  token_until: 'INTEGER NOT NULL DEFAULT 0',
  replay_id: 'TEXT',
  first: 'INTEGER',
  until: 'INTEGER',
  started_at: 'INTEGER',
  ended_at: 'INTEGER',
  ended: 'TEXT',
};

/** Makes what is missing; the table `destinations` is there already. */
export function createDeliveryTables(sql: SqlStorage): void {
  sql.exec(TABLES);
  const there = new Set(Array.from(sql.exec<{ name: string }>('PRAGMA table_info(destinations)'), ({ name }) => name));
  for (const [name, type] of Object.entries(ADDED)) if (!there.has(name)) sql.exec(`ALTER TABLE destinations ADD COLUMN ${name} ${type}`);
  sql.exec('CREATE INDEX IF NOT EXISTS destinations_tell ON destinations (tell_at) WHERE tell_at IS NOT NULL');
}

const REPLAY = '/replay';
/** The row of `destinations` that is that cursor's. */
export const laneOf = (destinationId: string, replay: boolean): string => (replay ? destinationId + REPLAY : destinationId);
export const destinationOf = (lane: string): string => (lane.endsWith(REPLAY) ? lane.slice(0, -REPLAY.length) : lane);
