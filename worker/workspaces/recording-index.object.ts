import { ComposedObject } from '../platform/durable.ts';
import type { ScreenTextLine, ScreenTextMatch } from '../platform/objects.ts';

/** Rows that one search looks at, at most. */
const MOST_LOOKED_AT = 500;

/**
 * The text of one tenant's managed recordings, line by line. By trigrams: any three characters in a row are found, so
 * that a path or a part of a command is. One object per tenant: no search can see another's.
 */
export abstract class RecordingIndexShell extends ComposedObject {
  constructor(...args: ConstructorParameters<typeof ComposedObject>) {
    super(...args);
    const { sql } = this.ctx.storage;
    sql.exec(`CREATE VIRTUAL TABLE IF NOT EXISTS lines USING fts5(text, tokenize = 'trigram', content = '', contentless_delete = 1)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS places (line INTEGER PRIMARY KEY, recording TEXT NOT NULL, slice INTEGER NOT NULL,
      time INTEGER NOT NULL, text TEXT NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS places_of ON places (recording, slice)');
  }

  add(recordingId: string, slice: number, lines: ScreenTextLine[]): void {
    this.ctx.storage.transactionSync(() => {
      const { sql } = this.ctx.storage;
      const known = sql.exec('SELECT 1 FROM places WHERE recording = ? AND slice = ? LIMIT 1', recordingId, slice).toArray();
      if (known.length > 0) return;
      for (const { time, text } of lines) {
        const { line } = sql
          .exec<{ line: number }>(
            'INSERT INTO places (recording, slice, time, text) VALUES (?, ?, ?, ?) RETURNING line',
            ...[recordingId, slice, time, text],
          )
          .one();
        sql.exec('INSERT INTO lines (rowid, text) VALUES (?, ?)', line, text);
      }
    });
  }

  search(text: string, limit: number): ScreenTextMatch[] {
    // As a phrase: quotes within it are doubled, so nothing of it is read as a query.
    const phrase = `"${text.replaceAll('"', '""')}"`;
    return this.ctx.storage.sql
      .exec<{ recording: string; time: number; text: string }>(
        `SELECT p.recording, p.time, p.text FROM (SELECT rowid AS line FROM lines WHERE lines MATCH ? ORDER BY rowid DESC LIMIT ?) found
         JOIN places p ON p.line = found.line ORDER BY p.line DESC LIMIT ?`,
        ...[phrase, MOST_LOOKED_AT, limit],
      )
      .toArray()
      .map(({ recording, ...match }) => ({ recordingId: recording, ...match }));
  }

  remove(recordingId: string): void {
    this.ctx.storage.transactionSync(() => {
      const { sql } = this.ctx.storage;
      sql.exec('DELETE FROM lines WHERE rowid IN (SELECT line FROM places WHERE recording = ?)', recordingId);
      sql.exec('DELETE FROM places WHERE recording = ?', recordingId);
    });
  }
}
