import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { viewerFacts, type ViewerSocketFacts } from '../platform/socket-facts.ts';

/** Viewer numbers have 16 bits, and 0 is nobody's. */
const LAST_NUMBER = 65_535;
const MINUTE_MS = 60_000;

export interface OpenConnection {
  viewer: number;
  facts: ViewerSocketFacts;
  /** milliseconds since the epoch */
  openedAt: number;
  /** the runner has admitted it */
  admitted: boolean;
  /** how often it had acted when it was last seen to have, and when that was */
  seenActs: number;
  activeAt: number;
}

interface Row extends Record<string, SqlStorageValue> {
  viewer: number;
  facts: string;
  opened_at: number;
  admitted: number;
  seen_acts: number | null;
  active_at: number | null;
}

/** The viewers of one workspace's object, in its storage: written when one joins, is judged and leaves, never in between. */
export class OpenConnections {
  readonly #sql: SqlStorage;
  readonly #kv: SyncKvStorage;

  constructor({ sql, kv }: DurableObjectStorage) {
    this.#sql = sql;
    this.#kv = kv;
    sql.exec(`CREATE TABLE IF NOT EXISTS viewers (
      viewer INTEGER PRIMARY KEY, connection_id TEXT NOT NULL UNIQUE, facts TEXT NOT NULL, opened_at INTEGER NOT NULL,
      admitted INTEGER NOT NULL DEFAULT 0, seen_acts INTEGER, active_at INTEGER)`);
    this.#addColumns();
  }

  /** An object of the release before has a table without them. */
  #addColumns(): void {
    const known = this.#sql.exec<{ name: string }>("SELECT name FROM pragma_table_info('viewers')").toArray();
    for (const column of ['seen_acts', 'active_at'])
      if (!known.some(({ name }) => name === column)) this.#sql.exec(`ALTER TABLE viewers ADD COLUMN ${column} INTEGER`);
  }

  /** SPEC K1: counts a join. @returns false when the minute has had its number of them */
  countJoin(now: number): boolean {
    const before = this.#kv.get<{ count: number; endsAt: number }>('joins');
    const minute = before && before.endsAt > now ? before : { count: 0, endsAt: now + MINUTE_MS };
    if (minute.count >= LIMITS.joinsPerMinute) return false;
    this.#kv.put('joins', { ...minute, count: minute.count + 1 });
    return true;
  }

  /** @returns the viewer's number (SPEC O2) */
  add(facts: ViewerSocketFacts, now: number): number {
    let viewer = this.#kv.get<number>('last viewer') ?? 0;
    do viewer = (viewer % LAST_NUMBER) + 1;
    while (this.find(viewer));
    this.#kv.put('last viewer', viewer);
    this.#sql.exec(
      'INSERT INTO viewers (viewer, connection_id, facts, opened_at) VALUES (?, ?, ?, ?)',
      viewer,
      facts.connectionId,
      JSON.stringify(facts),
      now,
    );
    return viewer;
  }

  find(viewer: number): OpenConnection | undefined {
    return this.#select('viewer = ?', viewer)[0];
  }

  findById(connectionId: string): OpenConnection | undefined {
    return this.#select('connection_id = ?', connectionId)[0];
  }

  all(): OpenConnection[] {
    return this.#select('?', 1);
  }

  admit(viewer: number): void {
    this.#sql.exec('UPDATE viewers SET admitted = 1 WHERE viewer = ?', viewer);
  }

  /** It has done something since it was last looked at. */
  active(viewer: number, acts: number, now: number): void {
    this.#sql.exec('UPDATE viewers SET seen_acts = ?, active_at = ? WHERE viewer = ?', acts, now, viewer);
  }

  /** Other bounds for a connection that is open. */
  bound(viewer: number, facts: ViewerSocketFacts): void {
    this.#sql.exec('UPDATE viewers SET facts = ? WHERE viewer = ?', JSON.stringify(facts), viewer);
  }

  /** @returns false when it was told already that this viewer drives */
  drive(viewer: number): boolean {
    if (this.#kv.get<number>('driver') === viewer) return false;
    this.#kv.put('driver', viewer);
    return true;
  }

  remove(viewer: number): void {
    this.#sql.exec('DELETE FROM viewers WHERE viewer = ?', viewer);
  }

  #select(where: string, value: string | number): OpenConnection[] {
    return this.#sql
      .exec<Row>(`SELECT viewer, facts, opened_at, admitted, seen_acts, active_at FROM viewers WHERE ${where}`, value)
      .toArray()
      .map((row) => ({
        viewer: row.viewer,
        facts: viewerFacts.parse(JSON.parse(row.facts)),
        openedAt: row.opened_at,
        admitted: row.admitted === 1,
        seenActs: row.seen_acts ?? 0,
        activeAt: row.active_at ?? row.opened_at,
      }));
  }
}
