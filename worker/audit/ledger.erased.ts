import { fromBase64, toBase64 } from '@gatehouse/core/audit/base64.ts';
import { leafHash } from '@gatehouse/core/audit/merkle.ts';
import { erasedLine } from '@gatehouse/core/audit/proof-lines.ts';
import { saltedHash, sha256, unhex } from './hash.ts';
import { bodyOf, eventIn, isErased, BODY, type Body } from './ledger.body.ts';
import { unindexEvent } from './ledger.index.ts';

/** When the event was erased; null when it was not. */
export const erasedAt = (sql: SqlStorage, seq: number): string | null =>
  sql.exec<{ at: string }>('SELECT at FROM erased WHERE seq = ?', seq).toArray()[0]?.at ?? null;

/** Those of a range of numbers, both included, and when. */
export const erasedAmong = (sql: SqlStorage, low: number, high: number): Map<number, string> =>
  new Map(
    Array.from(
      sql.exec<{ seq: number; at: string }>('SELECT seq, at FROM erased WHERE seq BETWEEN ? AND ?', low, high),
      ({ seq, at }): [number, string] => [seq, at],
    ),
  );

/** Those of a range whose lines may still lie in the archive as they were. */
export const pendingAmong = (sql: SqlStorage, low: number, high: number): Array<{ seq: number; at: string }> =>
  sql.exec<{ seq: number; at: string }>('SELECT seq, at FROM erased WHERE pending = 1 AND seq BETWEEN ? AND ?', low, high).toArray();

export const countErased = (sql: SqlStorage, low = 0, high = Number.MAX_SAFE_INTEGER): number =>
  sql.exec<{ n: number }>('SELECT count(*) AS n FROM erased WHERE seq BETWEEN ? AND ?', low, high).one().n;

/**
 * Erases events here: the row stays with its number, its time and its id, by which a repetition is known, and nothing of what
 * it said. Those that are erased already are left as they are. @returns how many are new
 */
export function markErased(sql: SqlStorage, seqs: readonly number[], at: string, erasure: number): number {
  let marked = 0;
  for (const seq of seqs) {
    const added = sql.exec('INSERT OR IGNORE INTO erased (seq, at, erasure, pending) VALUES (?, ?, ?, 1) RETURNING seq', seq, at, erasure);
    marked += added.toArray().length;
    const [row] = sql.exec<Body>(`SELECT ${BODY} FROM events WHERE seq = ?`, seq);
    if (row && !isErased(row)) unindexEvent(sql, eventIn(bodyOf(row)));
    sql.exec("UPDATE events SET salt = x'', body = '', packed = NULL, size = 0 WHERE seq = ?", seq);
  }
  return marked;
}

/** Their lines have to be looked at again: they were written by somebody who may have read them before. */
export const expectInArchive = (sql: SqlStorage, low: number, high: number): void =>
  void sql.exec('UPDATE erased SET pending = 1 WHERE seq BETWEEN ? AND ?', low, high);

export const settled = (sql: SqlStorage, seqs: readonly number[]): void =>
  void sql.exec('UPDATE erased SET pending = 0 WHERE seq IN (SELECT value FROM json_each(?))', JSON.stringify(seqs));

/** What is left of an event, as the archive has it; without its end. */
export function erasedLineOf(sql: SqlStorage, seq: number): string {
  const { hash } = sql.exec<{ hash: ArrayBuffer }>('SELECT hash FROM leaves WHERE seq = ?', seq).one();
  return erasedLine(seq, new Uint8Array(hash), erasedAt(sql, seq) ?? '').trimEnd();
}

/** The same of a line of the archive. Its leaf is that of the line: if that was altered, the log still shows it. */
export function erasedLineFrom({ seq, salt, body }: { seq: number; salt: string; body: string }, at: string): string {
  const leaf = leafHash(sha256, saltedHash(unhex(salt), new TextEncoder().encode(body)));
  return erasedLine(seq, leaf, at).trimEnd();
}

/** Whether the line there is the other one, or was it before its event was erased. */
export function isSameButErased(there: string, ours: string): boolean {
  if (there === ours) return true;
  const [leafThere, leafOurs] = [leafIn(there), leafIn(ours)];
  return leafThere !== null && leafThere === leafOurs;
}

function leafIn(line: string): string | null {
  const kept = /^\{"seq":\d+,"leafHash":"([^"]+)"/.exec(line)?.[1];
  if (kept !== undefined) return toBase64(fromBase64(kept) ?? new Uint8Array());
  const [start, salt = ''] = /^\{"salt":"([0-9a-f]+)","event":/.exec(line) ?? [];
  if (start === undefined) return null;
  return toBase64(leafHash(sha256, saltedHash(unhex(salt), new TextEncoder().encode(line.slice(start.length, -1)))));
}
