/** Build logs of a runner's workspaces, in its object's SQLite: the newest generation of each, bounded. */

/** UTF-8 bytes kept of one generation's log; what comes after is acknowledged and dropped. */
const MAX_LOG = 512 * 1024;

const encoder = new TextEncoder();

export class BuildLogs {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS build_logs (
      workspace_id TEXT NOT NULL, generation INTEGER NOT NULL, start INTEGER NOT NULL, bytes INTEGER NOT NULL, text TEXT NOT NULL,
      PRIMARY KEY (workspace_id, generation, start)) WITHOUT ROWID`);
  }

  /**
   * Appends text that starts at byte `offset`. What is there already is ignored; after a gap nothing is
   * taken, so that the runner sends again from what is answered.
   * @returns bytes kept so far, and whether this text was new
   */
  append(workspaceId: string, generation: number, offset: number, text: string): { offset: number; fresh: boolean } {
    const { generation: latest, size } = this.#head(workspaceId);
    if (generation < latest) return { offset: offset + encoder.encode(text).byteLength, fresh: false };
    const length = generation > latest ? 0 : size;
    if (generation > latest) this.#sql.exec('DELETE FROM build_logs WHERE workspace_id = ?', workspaceId);
    if (offset !== length) return { offset: length, fresh: false };
    const bytes = encoder.encode(text).byteLength;
    if (length + bytes > MAX_LOG) return { offset: length + bytes, fresh: false };
    this.#sql.exec(
      'INSERT INTO build_logs (workspace_id, generation, start, bytes, text) VALUES (?, ?, ?, ?, ?)',
      workspaceId,
      generation,
      offset,
      bytes,
      text,
    );
    return { offset: length + bytes, fresh: true };
  }

  /** The newest generation's log from that byte on, at chunk borders: `offset` is where the text really starts. */
  read(workspaceId: string, from: number): { generation: number; offset: number; text: string; truncated: boolean } {
    const { generation, size } = this.#head(workspaceId);
    const rows = this.#sql
      .exec<{ start: number; text: string }>(
        'SELECT start, text FROM build_logs WHERE workspace_id = ? AND generation = ? AND start + bytes > ? ORDER BY start',
        workspaceId,
        generation,
        from,
      )
      .toArray();
    return {
      generation,
      offset: rows[0]?.start ?? size,
      text: rows.map((row) => row.text).join(''),
      truncated: size >= MAX_LOG - 16 * 1024,
    };
  }

  forget(workspaceId: string): void {
    this.#sql.exec('DELETE FROM build_logs WHERE workspace_id = ?', workspaceId);
  }

  #head(workspaceId: string): { generation: number; size: number } {
    const row = this.#sql
      .exec<{ generation: number; size: number }>(
        'SELECT generation, max(start + bytes) AS size FROM build_logs WHERE workspace_id = ? GROUP BY generation ORDER BY generation DESC LIMIT 1',
        workspaceId,
      )
      .toArray()[0];
    return row ?? { generation: 0, size: 0 };
  }
}
