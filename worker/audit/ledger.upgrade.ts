import { bodyOf, eventIn, packText, type Body } from './ledger.body.ts';
import { indexEvent, noteDrift } from './ledger.index.ts';
import { upgradeState } from './ledger.schema.ts';

const UPGRADE_AT_ONCE = 500;

/** When the next events of a former version are brought up; null when all are. */
export const indexingDue = (sql: SqlStorage, now: number): number | null => (upgradeState(sql).indexedFrom > 1 ? now : null);

/**
 * Packs and indexes a bounded number of events that a former version wrote, the newest first. Until all
 * are done, queries look at rows one by one.
 */
export function indexSome(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const { indexedFrom, legacy } = upgradeState(sql);
  if (indexedFrom <= 1) return;
  storage.transactionSync(() => {
    const rows = sql
      .exec<Body & { seq: number }>(
        'SELECT seq, body, packed FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?',
        indexedFrom,
        UPGRADE_AT_ONCE,
      )
      .toArray();
    const events = rows.map((row) => {
      const json = bodyOf(row);
      const event = eventIn(json);
      sql.exec(
        `UPDATE events SET body = '', packed = ?, size = ?${legacy ? EMPTIED : ''} WHERE seq = ?`,
        packText(json),
        json.length,
        row.seq,
      );
      indexEvent(sql, event);
      return event;
    });
    noteDrift(sql, events);
    const from = rows.length < UPGRADE_AT_ONCE ? 1 : (rows.at(-1)?.seq ?? 1);
    sql.exec('UPDATE upgrade SET indexed_from = ?', from);
  });
}

const EMPTIED = ", actor_id = NULL, action = '', resource_type = '', resource_id = NULL, outcome = ''";
