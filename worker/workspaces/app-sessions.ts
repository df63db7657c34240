import { appFacts, type AppFacts } from '../platform/socket-facts.ts';

/** A session of a web app lives so long after its last request, and so does its cookie. */
export const APP_SESSION_MS = 10 * 60_000;
/** It is lengthened at most so often: that is a write. */
const RENEW_MS = 60_000;

export interface AppSession {
  facts: AppFacts;
  /** milliseconds since the epoch */
  openedAt: number;
  renewedAt: number;
  requests: number;
  bytesIn: number;
  bytesOut: number;
  /** counts have changed since they were written */
  dirty: boolean;
  /** when a refusal was last told */
  toldAt: number;
}

interface Row extends Record<string, SqlStorageValue> {
  hash: string;
  facts: string;
  opened_at: number;
  renewed_at: number;
  requests: number;
  bytes_in: number;
  bytes_out: number;
}

/** Sessions of one workspace's web apps, by the hash of their cookie: in the object's storage, and in memory while it is awake. */
export class AppSessions {
  readonly #sql: SqlStorage;
  readonly #all = new Map<string, AppSession>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS app_sessions (
      hash TEXT PRIMARY KEY, connection_id TEXT NOT NULL UNIQUE, facts TEXT NOT NULL, opened_at INTEGER NOT NULL, renewed_at INTEGER NOT NULL,
      requests INTEGER NOT NULL DEFAULT 0, bytes_in INTEGER NOT NULL DEFAULT 0, bytes_out INTEGER NOT NULL DEFAULT 0)`);
    for (const row of sql.exec<Row>('SELECT * FROM app_sessions')) {
      this.#all.set(row.hash, {
        facts: appFacts.parse(JSON.parse(row.facts)),
        ...{ openedAt: row.opened_at, renewedAt: row.renewed_at, requests: row.requests, bytesIn: row.bytes_in, bytesOut: row.bytes_out },
        ...{ dirty: false, toldAt: 0 },
      });
    }
  }

  add(hash: string, facts: AppFacts, now: number): void {
    const { connectionId } = facts;
    this.#sql.exec(
      'INSERT INTO app_sessions (hash, connection_id, facts, opened_at, renewed_at) VALUES (?, ?, ?, ?, ?)',
      ...[hash, connectionId, JSON.stringify(facts), now, now],
    );
    this.#all.set(hash, { facts, openedAt: now, renewedAt: now, requests: 0, bytesIn: 0, bytesOut: 0, dirty: false, toldAt: 0 });
  }

  find(hash: string): AppSession | undefined {
    return this.#all.get(hash);
  }

  findById(connectionId: string): AppSession | undefined {
    return this.all().find(({ facts }) => facts.connectionId === connectionId);
  }

  all(): AppSession[] {
    return [...this.#all.values()];
  }

  /** @returns whether it was lengthened now, so that its cookie must be */
  renew(session: AppSession, now: number): boolean {
    if (now - session.renewedAt < RENEW_MS) return false;
    session.renewedAt = now;
    this.#sql.exec('UPDATE app_sessions SET renewed_at = ? WHERE connection_id = ?', now, session.facts.connectionId);
    return true;
  }

  count(session: AppSession, requests: number, bytesIn: number, bytesOut: number): void {
    session.requests += requests;
    session.bytesIn += bytesIn;
    session.bytesOut += bytesOut;
    session.dirty = true;
  }

  /** Writes down what was counted, so that it is known after a sleep. */
  save(): void {
    for (const session of this.#all.values()) {
      if (!session.dirty) continue;
      session.dirty = false;
      const { requests, bytesIn, bytesOut, facts } = session;
      this.#sql.exec(
        'UPDATE app_sessions SET requests = ?, bytes_in = ?, bytes_out = ? WHERE connection_id = ?',
        ...[requests, bytesIn, bytesOut, facts.connectionId],
      );
    }
  }

  bound(session: AppSession, facts: AppFacts): void {
    session.facts = facts;
    this.#sql.exec('UPDATE app_sessions SET facts = ? WHERE connection_id = ?', JSON.stringify(facts), facts.connectionId);
  }

  remove({ facts }: AppSession): void {
    this.#sql.exec('DELETE FROM app_sessions WHERE connection_id = ?', facts.connectionId);
    for (const [hash, session] of this.#all) if (session.facts.connectionId === facts.connectionId) this.#all.delete(hash);
  }
}
