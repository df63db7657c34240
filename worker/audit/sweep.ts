import type { Services } from '../platform/context.ts';
import type { OutboxBatch } from '../platform/objects.ts';

/** Events normally reach the ledger within milliseconds; what still lies here after this was left behind. */
const LEFT_BEHIND_MS = 30_000;
const ROWS_A_PAGE = 500;
const PAGES_A_RUN = 10;
const ROWS_A_CALL = 50;

interface Row {
  tenant_id: string;
  id: string;
  created_at: number;
  position: number;
  body: string;
}

/**
 * Sends again what was committed and did not reach its ledger, in every shard and in the directory. The
 * ledger takes each event once and deletes the rows, so nothing is decided here.
 */
export async function sweepOutbox(services: Services): Promise<void> {
  const places: Array<[string, D1Database]> = [...services.shards, [services.systemDb.shard, services.directory]];
  for (const [shard, db] of places) {
    try {
      await sweepShard(services, shard, db);
    } catch (error) {
      services.log('error', 'could not sweep the outbox', { shard, error: String(error) });
    }
  }
}

async function sweepShard(services: Services, shard: string, db: D1Database): Promise<void> {
  const before = services.now().getTime() - LEFT_BEHIND_MS;
  // Pages go on behind what was read: rows that no ledger takes don't hide those behind them.
  let after = { created: 0, position: 0 };
  for (let page = 0; page < PAGES_A_RUN; page++) {
    const { results } = await db
      .prepare(
        `SELECT tenant_id, id, created_at, rowid AS position, body FROM outbox
         WHERE created_at >= ?1 AND (created_at, rowid) > (?1, ?2) AND created_at < ?3 ORDER BY created_at, rowid LIMIT ?4`,
      )
      .bind(after.created, after.position, before, ROWS_A_PAGE)
      .all<Row>();
    await Promise.all([...byTenant(results)].map(([tenantId, rows]) => resend(services, shard, tenantId, rows)));
    const last = results.at(-1);
    if (!last || results.length < ROWS_A_PAGE) return;
    after = { created: last.created_at, position: last.position };
  }
}

function byTenant(rows: Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.tenant_id, [...(groups.get(row.tenant_id) ?? []), row]);
  return groups;
}

async function resend(services: Services, shard: string, tenantId: string, rows: Row[]): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_A_CALL) {
    const some = rows.slice(start, start + ROWS_A_CALL);
    try {
      await append(services, shard, tenantId, some);
    } catch {
      await oneByOne(services, shard, tenantId, some);
    }
  }
}

/** A row that can't be taken stays where it is, and in the log, without keeping its neighbours. */
async function oneByOne(services: Services, shard: string, tenantId: string, rows: Row[]): Promise<void> {
  for (const row of rows) {
    try {
      await append(services, shard, tenantId, [row]);
    } catch (error) {
      services.log('error', 'an outbox row does not reach its ledger', { shard, tenantId, outboxId: row.id, error: String(error) });
    }
  }
}

async function append(services: Services, shard: string, tenantId: string, rows: Row[]): Promise<void> {
  // The ledger checks every event; JSON is all that is asked here.
  const batches = rows.map((row): OutboxBatch => ({ outboxId: row.id, events: JSON.parse(row.body) as OutboxBatch['events'] }));
  await services.ledger.append(tenantId, shard, batches);
}
