import product, { AuditLedger as Product, Hasher, Runner, Throttle, Workspace } from '../../../../worker/index.ts';
import { shardsOf, type Env } from '../../../../worker/platform/env.ts';
import type { EventQuery } from '../../../../worker/platform/objects.ts';
import { eventOf } from '../model.ts';

/**
 * The product with a door to its ledger: what is measured inside the object runs there so often in one call, because the clock
 * of a Worker stands still while it computes.
 */
export class AuditLedger extends Product {
  /** Appends events of the model, in batches as the API would. @returns bytes of the whole database */
  async fill(tenantId: string, from: number, to: number, batch: number): Promise<number> {
    for (let first = from; first <= to; first += batch) {
      const events = Array.from({ length: Math.min(batch, to - first + 1) }, (_, index) => eventOf(first + index));
      await this.append({ tenantId, shard: 's0', source: 'bench', batches: [{ outboxId: `bench-${first}`, events }] });
    }
    return this.ctx.storage.sql.databaseSize;
  }

  /** @returns how many events one such page has */
  async repeat(query: EventQuery, times: number): Promise<number> {
    let found = 0;
    for (let done = 0; done < times; done++) found = (await this.query(query)).bodies.length;
    return found;
  }

  /** A ledger that is only read has no duties: its million events need not go to the archive first. */
  override async alarm(): Promise<void> {
    const held = this.ctx.storage.sql.exec<{ tenant_id: string }>('SELECT tenant_id FROM head').toArray()[0];
    if (!held?.tenant_id.startsWith(READ_ONLY)) await super.alarm();
  }
}
export { Hasher, Runner, Throttle, Workspace };

const READ_ONLY = 'bench-';

interface Asked {
  tenantId: string;
  fill?: { from: number; to: number; batch: number };
  query?: EventQuery;
  times?: number;
  /** how many changes are made in D1, and whether each has its outbox row in its batch */
  changes?: { count: number; outbox: boolean };
}

export default {
  ...product,
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== '/bench') return product.fetch(request, env, ctx);
    const asked = await request.json<Asked>();
    const ledger = env.AUDIT_LEDGER.getByName(asked.tenantId) as unknown as DurableObjectStub<AuditLedger>;
    if (asked.fill) return Response.json(await ledger.fill(asked.tenantId, asked.fill.from, asked.fill.to, asked.fill.batch));
    if (asked.changes) return Response.json(await change(env, asked.changes));
    return Response.json(asked.query ? await ledger.repeat(asked.query, asked.times ?? 1) : null);
  },
} satisfies ExportedHandler<Env>;

/** A row that changes, alone or with its event in one batch. */
async function change(env: Env, { count, outbox }: { count: number; outbox: boolean }): Promise<null> {
  const db = shardsOf(env).get('s0');
  if (!db) throw new Error('There is no shard');
  for (let index = 0; index < count; index++) {
    const id = crypto.randomUUID();
    const mutation = db.prepare('UPDATE bench_things SET name = ? WHERE id = ?').bind(id, index % 100);
    const body = JSON.stringify([eventOf(index + 1)]);
    const row = db
      .prepare('INSERT INTO outbox (tenant_id, id, created_at, body) SELECT ?, ?, ?, CASE WHEN changes() = 1 THEN ? END')
      .bind('bench', id, Date.now(), body);
    await db.batch(outbox ? [mutation, row] : [mutation]);
  }
  return null;
}
