/** A connection whose access may have ended. */
export interface DueLapse {
  connectionId: string;
  /** changes with each word from outside, so that an answer to an older question is known for one */
  version: number;
  /** since when (milliseconds since the epoch) nobody could say whether it goes on; null: not asked yet */
  askedSince: number | null;
}

interface Row extends Record<string, SqlStorageValue> {
  connection_id: string;
  version: number;
  asked_since: number | null;
}

/** Connections that are here: browsers' own, and sessions of web apps. */
const HERE = '(SELECT connection_id FROM viewers UNION ALL SELECT connection_id FROM app_sessions)';

/** What comes for a connection that is not here yet is kept for so long; its ticket lives for 30 s. */
const KEPT_MS = 10 * 60_000;

/**
 * When the access of each connection of one workspace's object may lapse, in the object's storage beside `viewers` and `app_sessions`. Words
 * from outside only ever make it sooner, so their order does not matter; and they may come before the connection does.
 */
export class Lapses {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS lapses (
      connection_id TEXT PRIMARY KEY, at INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0, cause TEXT,
      asked_since INTEGER, noted_at INTEGER NOT NULL)`);
  }

  /** It may lapse at that time, or sooner. */
  expect(connectionId: string, at: number, now: number): void {
    this.#forget(now);
    this.#sql.exec(
      `INSERT INTO lapses (connection_id, at, noted_at) VALUES (?, ?, ?)
       ON CONFLICT (connection_id) DO UPDATE SET at = min(at, excluded.at), version = version + 1`,
      ...[connectionId, at, now],
    );
  }

  /** It was taken away before it came. */
  revoke(connectionId: string, cause: string, now: number): void {
    this.expect(connectionId, 0, now);
    this.#sql.exec('UPDATE lapses SET cause = ? WHERE connection_id = ?', cause, connectionId);
  }

  /** Why a connection that comes now is not let in; null: nothing is known against it. */
  causeAgainst(connectionId: string): string | null {
    return (
      this.#sql.exec<{ cause: string | null }>('SELECT cause FROM lapses WHERE connection_id = ?', connectionId).toArray()[0]?.cause ?? null
    );
  }

  /** Connections that are here and whose time has come. */
  due(now: number): DueLapse[] {
    return this.#sql
      .exec<Row>(`SELECT connection_id, version, asked_since FROM lapses WHERE at <= ? AND connection_id IN ${HERE}`, now)
      .toArray()
      .map((row) => ({ connectionId: row.connection_id, version: row.version, askedSince: row.asked_since }));
  }

  /** The next time at which a connection that is here may lapse. */
  next(): number | null {
    return this.#sql.exec<{ at: number | null }>(`SELECT min(at) AS at FROM lapses WHERE connection_id IN ${HERE}`).one().at;
  }

  /** Until the answer is there it is asked again at that time. */
  ask(due: readonly DueLapse[], again: number, now: number): void {
    for (const { connectionId } of due)
      this.#sql.exec('UPDATE lapses SET at = ?, asked_since = coalesce(asked_since, ?) WHERE connection_id = ?', again, now, connectionId);
  }

  /** It stands until then; where something came in since the question, it is asked again instead. */
  answer({ connectionId, version }: DueLapse, at: number): void {
    this.#sql.exec('UPDATE lapses SET at = ?, asked_since = NULL WHERE connection_id = ? AND version = ?', at, connectionId, version);
  }

  remove(connectionId: string): void {
    this.#sql.exec('DELETE FROM lapses WHERE connection_id = ?', connectionId);
  }

  #forget(now: number): void {
    this.#sql.exec(`DELETE FROM lapses WHERE noted_at < ? AND connection_id NOT IN ${HERE}`, now - KEPT_MS);
  }
}
