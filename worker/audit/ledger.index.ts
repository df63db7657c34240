import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { pack } from './ledger.body.ts';
import { upgradeState } from './ledger.schema.ts';
import { searchText, termsOf } from './terms.ts';

const DRIFT_STEP_MS = 1_000;

/** Source of events whose source is not known any more: the archive does not keep it. */
export const REBUILT = '';

/** Puts an event into the hot index. @param json its bytes, as they were hashed */
export function insertEvent(sql: SqlStorage, source: string, event: AuditEvent, salt: Uint8Array, json: Uint8Array): void {
  const [columns, values] = legacyColumns(sql);
  sql.exec(
    `INSERT INTO events (seq, source, event_id, time, recorded_at, salt, body, packed, size${columns}) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?${values})`,
    ...[event.seq, source, event.id, event.time, event.recordedAt, salt, pack(json), json.byteLength],
  );
  indexEvent(sql, event);
}

const legacyColumns = (sql: SqlStorage): [columns: string, values: string] =>
  upgradeState(sql).legacy ? [', action, resource_type, outcome', ", '', '', ''"] : ['', ''];

/** Keeps the place of an event of which nothing is known any more but its number: numbers here have no gaps. */
export function insertBlank(sql: SqlStorage, seq: number, recordedAt: string): void {
  const [columns, values] = legacyColumns(sql);
  sql.exec(
    `INSERT INTO events (seq, source, event_id, time, recorded_at, salt, body, size${columns}) VALUES (?, ?, ?, ?, ?, x'', '', 0${values})`,
    ...[seq, REBUILT, `erased:${seq}`, recordedAt, recordedAt],
  );
}

/** Makes an event findable. */
export function indexEvent(sql: SqlStorage, event: AuditEvent): void {
  sql.exec('INSERT OR IGNORE INTO terms (term, seq) SELECT value, CAST(? AS INTEGER) FROM json_each(?)', event.seq, termList(event));
  sql.exec('INSERT INTO search (rowid, text) VALUES (CAST(? AS INTEGER), ?)', event.seq, searchText(event));
  noteSeen(sql, event);
}

/** Keeps the values of closed unions that came. */
export function noteSeen(sql: SqlStorage, event: AuditEvent): void {
  sql.exec("INSERT OR IGNORE INTO seen (attribute, value) VALUES ('action', ?), ('resource.type', ?)", event.action, event.resource.type);
}

/** Takes back what `indexEvent` wrote. What a former version wrote beyond it points nowhere and does no harm. */
export function unindexEvent(sql: SqlStorage, event: AuditEvent): void {
  sql.exec('DELETE FROM terms WHERE term IN (SELECT value FROM json_each(?)) AND seq = CAST(? AS INTEGER)', termList(event), event.seq);
  sql.exec('DELETE FROM search WHERE rowid = CAST(? AS INTEGER)', event.seq);
}

const termList = (event: AuditEvent): string => JSON.stringify(termsOf(event));

/** How far times of events and of their recording ever lay apart. */
export interface Drift {
  ahead: number;
  behind: number;
}

export const readDrift = (sql: SqlStorage): Drift => {
  const { ahead, behind } = sql.exec<{ ahead: number; behind: number }>('SELECT ahead, behind FROM drift').one();
  return { ahead, behind };
};

/** Widens the drift by these events, in whole seconds so that it is seldom written. */
export function noteDrift(sql: SqlStorage, events: ReadonlyArray<Pick<AuditEvent, 'time' | 'recordedAt'>>): void {
  let { ahead, behind } = readDrift(sql);
  const before = ahead + behind;
  for (const { time, recordedAt } of events) {
    const apart = Date.parse(recordedAt) - Date.parse(time);
    if (-apart > ahead) ahead = stepUp(-apart);
    if (apart > behind) behind = stepUp(apart);
  }
  if (ahead + behind > before) sql.exec('UPDATE drift SET ahead = ?, behind = ?', ahead, behind);
}
const stepUp = (milliseconds: number): number => Math.ceil(milliseconds / DRIFT_STEP_MS) * DRIFT_STEP_MS;
