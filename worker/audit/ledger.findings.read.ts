import type { FindingRuleId, FindingState } from '@gatehouse/core/audit/findings.ts';
import type { FindingCount, FindingMove, FindingQuery, FindingRow } from '../platform/objects.ts';

const COLUMNS = 'id, rule, subject, state, opened_at, last_at, events, note, moved_by, moved_at';
type Columns = Record<'id' | 'subject' | 'note', string> &
  Record<'opened_at' | 'last_at' | 'events', number> & {
    rule: FindingRuleId;
    state: FindingState;
    moved_by: string | null;
    moved_at: number | null;
  };

const iso = (time: number) => new Date(time).toISOString();
const rowOf = (row: Columns): FindingRow => ({
  ...{ id: row.id, rule: row.rule, subject: row.subject, state: row.state, events: row.events, note: row.note },
  ...{ openedAt: iso(row.opened_at), lastAt: iso(row.last_at) },
  moved: row.moved_at === null ? null : { by: row.moved_by ?? '', at: iso(row.moved_at) },
});

/** A page, the newest first, with one row more than asked for where there are more. */
export function listFindings(sql: SqlStorage, { state, rules, subject, event, before, limit }: FindingQuery): FindingRow[] {
  const conditions = [
    'id < ?',
    ...(state === undefined ? [] : ['state = ?']),
    ...(rules === undefined ? [] : ['rule IN (SELECT value FROM json_each(?))']),
    ...(subject === undefined ? [] : ['instr(lower(subject), lower(?)) > 0']),
    ...(event === undefined ? [] : ['id IN (SELECT finding_id FROM finding_evidence WHERE seq = ?)']),
  ];
  const asked = [state, rules && JSON.stringify(rules), subject, event];
  const values = [before ?? '~', ...asked.filter((value) => value !== undefined)];
  return sql
    .exec<Columns>(`SELECT ${COLUMNS} FROM findings WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ?`, ...[...values, limit + 1])
    .toArray()
    .map(rowOf);
}

/** null when it isn't there */
export function findFinding(sql: SqlStorage, id: string): FindingRow | null {
  const [row] = sql.exec<Columns>(`SELECT ${COLUMNS} FROM findings WHERE id = ?`, id);
  return row ? rowOf(row) : null;
}

/** A finding with the numbers of its evidence; null when it isn't there. */
export function readFinding(sql: SqlStorage, id: string): { finding: FindingRow; evidence: number[] } | null {
  const finding = findFinding(sql, id);
  if (!finding) return null;
  const evidence = sql.exec<{ seq: number }>('SELECT seq FROM finding_evidence WHERE finding_id = ? ORDER BY seq', id).toArray();
  return { finding, evidence: evidence.map(({ seq }) => seq) };
}

/**
 * How many there are of each rule in each state, and what came since those times and how long until somebody looked: all by one
 * statement over an index, which has no more rows than findings are kept.
 */
export function countFindings(sql: SqlStorage, since: { week: number; month: number }): FindingCount[] {
  return sql
    .exec<Record<keyof Omit<FindingCount, 'rule' | 'state'>, number> & { rule: FindingRuleId; state: FindingState }>(
      `SELECT rule, state, count(*) AS found, total(opened_at >= ?1) AS week, total(opened_at >= ?2) AS month,
         count(CASE WHEN opened_at >= ?2 THEN looked_at END) AS looked,
         total(CASE WHEN opened_at >= ?2 THEN looked_at - opened_at END) AS waited
       FROM findings INDEXED BY findings_overview GROUP BY rule, state`,
      ...[since.week, since.month],
    )
    .toArray();
}

/** Moves a finding on, if it still is where the caller saw it. */
export function moveFinding(sql: SqlStorage, { id, from, to, note, by, at }: FindingMove): boolean {
  const moved = sql.exec(
    `UPDATE findings SET state = ?1, note = ?2, moved_by = ?3, moved_at = ?4, looked_at = coalesce(looked_at, ?4)
     WHERE id = ?5 AND state = ?6 RETURNING id`,
    ...[to, note, by, Date.parse(at), id, from],
  );
  return moved.toArray().length > 0;
}
