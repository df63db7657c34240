import type { Services } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';
import { readHead } from './ledger.schema.ts';

const CLEAR_AT_ONCE = 1_000;
const CLEAR_AGAIN_MS = 5_000;

/**
 * Deletes, in bulk, the outbox rows whose events are held here. What fails is due again: the rows stay
 * noted until D1 has answered.
 */
export async function clearOutbox(sql: SqlStorage, services: Services): Promise<void> {
  const head = readHead(sql);
  const now = services.now().getTime();
  if (!head || head.clearAt === null || head.clearAt > now) return;
  sql.exec('UPDATE head SET clear_at = ?', now + CLEAR_AGAIN_MS);
  const ids = sql
    .exec<{ outbox_id: string }>('SELECT outbox_id FROM acknowledged LIMIT ?', CLEAR_AT_ONCE)
    .toArray()
    .map((row) => row.outbox_id);
  const db = head.shard === services.systemDb.shard ? services.systemDb : services.tenantDb(head.shard, head.tenantId);
  const list = JSON.stringify(ids);
  await db.batch([statement('DELETE FROM outbox WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))', head.tenantId, list)]);
  sql.exec('DELETE FROM acknowledged WHERE outbox_id IN (SELECT value FROM json_each(?))', list);
  const { waiting } = sql.exec<{ waiting: number }>('SELECT EXISTS (SELECT 1 FROM acknowledged) AS waiting').one();
  sql.exec('UPDATE head SET clear_at = ?', waiting ? services.now().getTime() : null);
}
