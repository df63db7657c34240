import type { AuditEvent, DraftEvent } from '@gatehouse/core/audit/event.ts';
import { FINDING_RULE_IDS, findingRule, type FindingRule, type FindingRuleId, type Pattern } from '@gatehouse/core/audit/findings.ts';
import { newId } from '@gatehouse/core/ids.ts';
import { sha256 } from './hash.ts';

/**
 * `finding_marks`: events that count towards a finding, as long as a rule looks back. `finding_known`: values that somebody had
 * before. Both are found by (rule, key), so an event costs the same whatever the ledger's size.
 */
export const FINDING_TABLES = `
CREATE TABLE IF NOT EXISTS finding_marks (
  rule TEXT NOT NULL,
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (rule, key, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS finding_marks_at ON finding_marks (at);

CREATE TABLE IF NOT EXISTS finding_known (
  rule TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (rule, key, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS findings (
  id TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  key TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  events INTEGER NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  moved_by TEXT,
  moved_at INTEGER,
  -- when somebody first looked at it
  looked_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS findings_subject ON findings (rule, key, last_at);
CREATE INDEX IF NOT EXISTS findings_state ON findings (state, id);

CREATE TABLE IF NOT EXISTS finding_evidence (
  finding_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (finding_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS finding_evidence_seq ON finding_evidence (seq);
`;

/** What the overview is counted from, without the rows. Made when the table has its columns. */
export const FINDING_OVERVIEW_INDEX = 'CREATE INDEX IF NOT EXISTS findings_overview ON findings (rule, state, opened_at, looked_at)';

/** Events that are kept as evidence of one finding; those beyond are counted. */
const EVIDENCE = 200;
const KEPT_FINDINGS = 10_000;
const LONGEST_MINUTES = 60;
const FORGET_AT_ONCE = 100;
const MINUTE_MS = 60_000;

/** Looks at an event that was just recorded. @returns the events of the findings that it opens */
export function observe(sql: SqlStorage, event: AuditEvent): DraftEvent[] {
  return FINDING_RULE_IDS.flatMap((id) => {
    const opened = evaluate(sql, id, findingRule(id), event);
    return opened === null ? [] : [opened];
  });
}

function evaluate(sql: SqlStorage, id: FindingRuleId, rule: FindingRule, event: AuditEvent): DraftEvent | null {
  const { pattern } = rule;
  switch (pattern.kind) {
    case 'each':
      return pattern.event(event) ? open(sql, id, rule, event, event.id, [event.seq]) : null;
    case 'first':
      return pattern.event(event) ? first(sql, id, rule, event, pattern.value(event)) : null;
    case 'count':
      return pattern.event(event) ? gather(sql, id, rule, event, pattern, '') : null;
    case 'distinct':
      return pattern.event(event) ? gather(sql, id, rule, event, pattern, pattern.value(event)) : null;
    case 'then':
      if (pattern.event(event)) mark(sql, id, rule, event, '');
      return pattern.then(event) ? after(sql, id, rule, event, pattern) : null;
  }
}

function first(sql: SqlStorage, id: FindingRuleId, rule: FindingRule, event: AuditEvent, value: string | null): DraftEvent | null {
  if (value === null) return null;
  const { key } = rule.subject(event);
  const known = sql.exec<{ value: string }>('SELECT value FROM finding_known WHERE rule = ? AND key = ?', id, key).toArray();
  if (known.some((each) => each.value === value)) return null;
  sql.exec('INSERT INTO finding_known (rule, key, value) VALUES (?, ?, ?)', id, key, value);
  return known.length === 0 ? null : open(sql, id, rule, event, `${key} ${value}`, [event.seq]);
}

type Counting = Extract<Pattern, { threshold: number }>;

/** Adds to a finding that is under way, or counts until there is one. */
function gather(
  sql: SqlStorage,
  id: FindingRuleId,
  rule: FindingRule,
  event: AuditEvent,
  pattern: Counting,
  value: string,
): DraftEvent | null {
  const { key } = rule.subject(event);
  const since = Date.parse(event.time) - pattern.minutes * MINUTE_MS;
  const underWay = findingSince(sql, id, key, since);
  if (underWay !== null) {
    addEvidence(sql, underWay, event);
    return null;
  }
  mark(sql, id, rule, event, value);
  const marks = marksSince(sql, id, key, since);
  const enough = pattern.kind === 'distinct' ? new Set(marks.map((each) => each.value)).size : marks.length;
  if (enough < pattern.threshold) return null;
  return open(
    ...([sql, id, rule, event, key] as const),
    marks.map(({ seq }) => seq),
  );
}

function after(sql: SqlStorage, id: FindingRuleId, rule: FindingRule, event: AuditEvent, pattern: Counting): DraftEvent | null {
  const { key } = rule.subject(event);
  const marks = marksSince(sql, id, key, Date.parse(event.time) - pattern.minutes * MINUTE_MS);
  if (marks.length >= pattern.threshold) return open(sql, id, rule, event, key, [...marks.map(({ seq }) => seq), event.seq]);
  forgetMarks(sql, id, key);
  return null;
}

function mark(sql: SqlStorage, id: FindingRuleId, rule: FindingRule, event: AuditEvent, value: string): void {
  const at = Date.parse(event.time);
  sql.exec(
    'INSERT INTO finding_marks (rule, key, seq, at, value) VALUES (?, ?, ?, ?, ?)',
    ...[id, rule.subject(event).key, event.seq, at, value],
  );
  sql.exec(
    `DELETE FROM finding_marks WHERE (rule, key, seq) IN
       (SELECT rule, key, seq FROM finding_marks INDEXED BY finding_marks_at WHERE at < ? LIMIT ?)`,
    at - LONGEST_MINUTES * MINUTE_MS,
    FORGET_AT_ONCE,
  );
}

const marksSince = (sql: SqlStorage, rule: string, key: string, since: number) =>
  sql
    .exec<{ seq: number; value: string }>(
      'SELECT seq, value FROM finding_marks WHERE rule = ? AND key = ? AND at > ? ORDER BY seq DESC LIMIT ?',
      ...[rule, key, since, EVIDENCE],
    )
    .toArray();

const forgetMarks = (sql: SqlStorage, rule: string, key: string): void =>
  void sql.exec('DELETE FROM finding_marks WHERE rule = ? AND key = ?', rule, key);

/** A finding about the same subject that is not done with, and to which something came since then. */
function findingSince(sql: SqlStorage, rule: string, key: string, since: number): string | null {
  const [found] = sql.exec<{ id: string; state: string }>(
    'SELECT id, state FROM findings WHERE rule = ? AND key = ? AND last_at > ? ORDER BY last_at DESC LIMIT 1',
    ...[rule, key, since],
  );
  return found === undefined || found.state === 'resolved' ? null : found.id;
}

function addEvidence(sql: SqlStorage, id: string, { seq, time }: AuditEvent): void {
  const { events } = sql
    .exec<{
      events: number;
    }>('UPDATE findings SET events = events + 1, last_at = max(last_at, ?) WHERE id = ? RETURNING events', Date.parse(time), id)
    .one();
  if (events <= EVIDENCE) sql.exec('INSERT INTO finding_evidence (finding_id, seq) VALUES (?, ?)', id, seq);
}

/** Findings about a person: by what they are kept under, and those of which every piece of evidence is erased. */
export function findingsAbout(
  sql: SqlStorage,
  { person, addresses, asked }: { person: string; addresses: readonly string[]; asked: number },
): string[] {
  const rows = sql.exec<{ id: string }>(
    `SELECT id FROM findings WHERE key IN (SELECT value FROM json_each(?1))
     UNION
     SELECT f.id FROM findings f WHERE f.id IN
         (SELECT e.finding_id FROM erased x JOIN finding_evidence e ON e.seq = x.seq WHERE x.erasure = ?2)
       AND NOT EXISTS (SELECT 1 FROM finding_evidence e WHERE e.finding_id = f.id AND e.seq NOT IN (SELECT seq FROM erased))`,
    ...[JSON.stringify([person, ...addresses]), asked],
  );
  return Array.from(rows, ({ id }) => id);
}

/** What stays of such findings is that there was one: rule, times, how many events, how it was settled. */
export function renameFindings(sql: SqlStorage, person: string, ids: readonly string[]): void {
  const among = JSON.stringify(ids);
  sql.exec("UPDATE findings SET subject = 'Somebody erased', key = id, note = '' WHERE id IN (SELECT value FROM json_each(?))", among);
  sql.exec('DELETE FROM finding_known WHERE key = ?', person);
  sql.exec('DELETE FROM finding_marks WHERE key = ?', person);
}

/** The ids follow from the event that completes the finding, so that it is the same whenever it is found. */
function open(
  sql: SqlStorage,
  rule: FindingRuleId,
  { title, severity, subject }: FindingRule,
  event: AuditEvent,
  key: string,
  evidence: readonly number[],
): DraftEvent {
  const at = Date.parse(event.time);
  const { name } = subject(event);
  const seed = sha256(new TextEncoder().encode(`${rule}|${key}|${event.id}`));
  const id = newId('finding', at, seed.slice(0, 16));
  sql.exec(
    `INSERT INTO findings (id, rule, key, subject, state, opened_at, last_at, events) VALUES (?, ?, ?, ?, 'open', ?, ?, ?)`,
    ...[id, rule, key, name, at, at, evidence.length],
  );
  for (const seq of evidence) sql.exec('INSERT INTO finding_evidence (finding_id, seq) VALUES (?, ?)', id, seq);
  forgetMarks(sql, rule, key);
  forgetOldest(sql);
  return {
    id: newId('event', at, seed.slice(16)),
    time: event.recordedAt,
    actor: { type: 'system', id: null, name: 'Gatehouse', email: null, via: null },
    action: 'finding.open',
    resource: { type: 'finding', id, name: `${title}: ${name}` },
    ...{ outcome: 'success', status: null, reason: null, origin: event.origin },
    ...{ requestId: event.requestId, sessionId: event.sessionId, workspaceId: event.workspaceId, grantId: event.grantId },
    diff: [],
    details: { rule, severity, subject: name, events: evidence.length, event: event.id },
  };
}

function forgetOldest(sql: SqlStorage): void {
  const [last] = sql.exec<{ id: string }>('SELECT id FROM findings ORDER BY id DESC LIMIT 1 OFFSET ?', KEPT_FINDINGS);
  if (last === undefined) return;
  sql.exec('DELETE FROM finding_evidence WHERE finding_id <= ?', last.id);
  sql.exec('DELETE FROM findings WHERE id <= ?', last.id);
}
