import { z } from 'zod';
import type { AuditEvent, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { Erasure } from '@gatehouse/core/api/erasure.ts';
import { concerns } from '@gatehouse/core/audit/person.ts';
import { markErased } from './ledger.erased.ts';
import { readHead, upgradeState } from './ledger.schema.ts';

/** `scan`: looks for the person's events; `aside`: at what was set aside; `archive`: rewrites the archive. */
const STAGES = ['scan', 'aside', 'archive', 'done'] as const;
export type Stage = (typeof STAGES)[number];

const list = z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text)));
const row = z.object({
  person: z.string(),
  asked: z.number(),
  asked_at: z.string(),
  stage: z.enum(STAGES),
  next: z.number(),
  addresses: list,
  findings: list,
  erased: z.number(),
  after_key: z.string(),
  not_before: z.number(),
  failures: z.number(),
  refused: z.number(),
  refusal: z.string().nullable(),
  ended_at: z.string().nullable(),
});
export type ErasureRow = z.infer<typeof row>;

/** The erasure that is under way; null when there is none. Events of a former version are brought up first. */
export function openErasure(sql: SqlStorage): ErasureRow | null {
  if (upgradeState(sql).indexedFrom > 1) return null;
  // One that the archive holds up keeps no other from going on.
  const [found] = sql.exec("SELECT * FROM erasures WHERE stage <> 'done' ORDER BY not_before, asked LIMIT 1");
  return found ? row.parse(found) : null;
}

const erasureOf = (sql: SqlStorage, person: string): ErasureRow | null => {
  const [found] = sql.exec('SELECT * FROM erasures WHERE person = ?', person);
  return found ? row.parse(found) : null;
};

/** When the next step of an erasure is due; null when there is nothing to do. */
export function erasureDue(sql: SqlStorage, now: number): number | null {
  const open = openErasure(sql);
  if (open) return Math.max(open.not_before, now);
  const files = sql.exec<{ due: number | null }>('SELECT min(not_before) AS due FROM erasure_files').one().due;
  const dues = [files, lateWork(sql) === null ? null : now].filter((due) => due !== null);
  if (dues.length === 0) return null;
  return Math.max(Math.min(...dues), sql.exec<{ not_before: number }>('SELECT not_before FROM erasure_upkeep').one().not_before);
}

/** An erased event whose line has to be looked at again although its erasure is over, as after a compaction; null: none. */
export function lateWork(sql: SqlStorage): number | null {
  const [found] = sql.exec<{ seq: number }>(
    `SELECT seq FROM erased WHERE pending = 1
       AND seq < coalesce((SELECT min(first) FROM segments WHERE archived_at IS NULL), (SELECT max(last) + 1 FROM segments), 0)
     ORDER BY seq LIMIT 1`,
  );
  return found?.seq ?? null;
}

export const postponeUpkeep = (sql: SqlStorage, until: number): void => void sql.exec('UPDATE erasure_upkeep SET not_before = ?', until);

type Move = Partial<
  Pick<ErasureRow, 'stage' | 'next' | 'addresses' | 'findings' | 'after_key' | 'not_before' | 'failures' | 'refused' | 'refusal'>
>;

/** Writes down how far an erasure is. */
export function moveErasure(sql: SqlStorage, asked: number, move: Move): void {
  for (const [column, value] of Object.entries(move))
    sql.exec(`UPDATE erasures SET ${column} = ? WHERE asked = ?`, Array.isArray(value) ? JSON.stringify(value) : value, asked);
}

/** The file goes, and is forgotten once it has. */
export const expectDeletion = (sql: SqlStorage, key: string, notBefore: number): void =>
  void sql.exec('INSERT OR REPLACE INTO erasure_files (key, not_before) VALUES (?, ?)', key, notBefore);

/** Erases events here as part of that erasure. */
export function eraseHere(sql: SqlStorage, { asked }: Pick<ErasureRow, 'asked'>, seqs: readonly number[], at: string): void {
  const marked = markErased(sql, seqs, at, asked);
  sql.exec('UPDATE erasures SET erased = erased + ? WHERE asked = ?', marked, asked);
  // Who sends it to a destination, or shows it, has it from here.
  sql.exec('DELETE FROM set_aside WHERE seq IN (SELECT value FROM json_each(?))', JSON.stringify(seqs));
  sql.exec('DELETE FROM finding_marks WHERE seq IN (SELECT value FROM json_each(?))', JSON.stringify(seqs));
}

/**
 * An erasure begins and ends by its own events: what was ordered reaches the ledger as surely as any event does.
 * @param source null: the event is one of the archive
 */
export function followErasure(sql: SqlStorage, source: string | null, event: DraftEvent, seq: number): void {
  const person = event.resource.id;
  if (event.outcome !== 'success' || person === null) return;
  if (event.action === 'audit.erase' && (source === null || source === 'api')) begin(sql, person, event.time, seq);
  if (event.action === 'audit.erase.finish' && (source === null || source === ERASURE_SOURCE)) end(sql, person, event.time);
}

/** The source of the events by which the ledger tells what became of an erasure. */
export const ERASURE_SOURCE = 'erasure';

function begin(sql: SqlStorage, person: string, at: string, seq: number): void {
  sql.exec('UPDATE erased SET erasure = ? WHERE erasure = (SELECT asked FROM erasures WHERE person = ?)', seq, person);
  sql.exec(
    "INSERT OR REPLACE INTO erasures (person, asked, asked_at, stage, next) VALUES (?, ?, ?, 'scan', ?)",
    ...[person, seq, at, seq - 1],
  );
}

function end(sql: SqlStorage, person: string, at: string): void {
  sql.exec('UPDATE erased SET erasure = NULL WHERE erasure = (SELECT asked FROM erasures WHERE person = ?)', person);
  sql.exec(
    `UPDATE erasures SET stage = 'done', addresses = '[]', findings = '[]', refused = 0, refusal = NULL, failures = 0, ended_at = ?
     WHERE person = ?`,
    at,
    person,
  );
}

/** What reports events of its own making may not have them erased by saying when they were, and of whom. */
const UNTRUSTED = 'runner:';

/**
 * An event of before an erasure that comes only now, out of an outbox: it goes the way of the others at once. Its number and
 * leaf are in the log already. @returns whether it was one
 */
export function eraseLate(sql: SqlStorage, source: string, event: AuditEvent, now: string): boolean {
  if (source.startsWith(UNTRUSTED)) return false;
  const people = new Set([event.actor.id, event.resource.id]);
  const rows = sql.exec<{ person: string; asked: number; stage: string }>(
    'SELECT person, asked, stage FROM erasures WHERE asked_at >= ? AND asked < ?',
    event.time,
    event.seq,
  );
  for (const { person, asked, stage } of rows.toArray()) {
    if (!people.has(person) || !concerns(event, { id: person, addresses: [], findings: new Set() })) continue;
    eraseHere(sql, { asked }, [event.seq], now);
    if (stage === 'done' || stage === 'archive') moveErasure(sql, asked, { stage: 'archive', next: 0, not_before: 0 });
    return true;
  }
  return false;
}

/** How the erasure of a person stands; null when nobody ordered it. */
export function erasureStatus(sql: SqlStorage, person: string): Erasure | null {
  const found = erasureOf(sql, person);
  if (!found) return null;
  const { asked, asked_at, stage, next, erased, refusal, ended_at } = found;
  const { n: inArchive } = sql.exec<{ n: number }>('SELECT count(*) AS n FROM erased WHERE erasure = ? AND pending = 1', asked).one();
  const of = Math.min(asked - 1, readHead(sql)?.size ?? 0);
  return {
    ...{ userId: person, askedAt: asked_at, erased, inArchive, refusal, endedAt: ended_at },
    state: stage === 'done' ? 'done' : stage === 'scan' || stage === 'aside' ? 'looking' : refusal === null ? 'rewriting' : 'held',
    looked: { done: stage === 'scan' ? of - next : of, of },
  };
}
