import product, { AuditLedger as Product, Hasher, RecordingIndex, Runner, Throttle, Workspace } from '../../../../worker/index.ts';
import { shardsOf, type Env } from '../../../../worker/platform/env.ts';
import type { EventQuery } from '../../../../worker/platform/objects.ts';
import { eventOf, type Counts } from '../model.ts';
import { countedBucket, countRows, counts } from './counts.ts';

/**
 * The product with a door to its ledger: what is measured inside the object runs there so often in one call, because the clock
 * of a Worker stands still while it computes.
 */
export class AuditLedger extends Product {
  constructor(...args: ConstructorParameters<typeof Product>) {
    countRows(args[0].storage.sql);
    super(...args);
  }

  /** Appends events of the model, in batches as the API would. @returns bytes of the whole database */
  async fill(tenantId: string, from: number, to: number, batch: number): Promise<number> {
    for (let first = from; first <= to; first += batch) {
      await this.append(batchOf(tenantId, first, Math.min(batch, to - first + 1)));
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
export { Hasher, RecordingIndex, Runner, Throttle, Workspace };

const READ_ONLY = 'bench-';

function batchOf(tenantId: string, first: number, length: number) {
  const events = Array.from({ length }, (_, index) => eventOf(first + index));
  return { tenantId, shard: 's0', source: 'bench', batches: [{ outboxId: `bench-${first}`, events }] };
}

interface Asked {
  tenantId: string;
  fill?: Fill;
  /** the same with a call from the Worker for each batch, as requests make them */
  append?: Fill;
  query?: EventQuery;
  times?: number;
  /** how many changes are made in D1, and whether each has its outbox row in its batch */
  changes?: { count: number; outbox: boolean };
  /** what was counted since the last time */
  counts?: true;
}

interface Fill {
  from: number;
  to: number;
  batch: number;
}

export default {
  ...product,
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== '/bench') return product.fetch(request, env, ctx);
    const asked = await request.json<Asked>();
    const ledger = env.AUDIT_LEDGER.getByName(asked.tenantId) as unknown as DurableObjectStub<AuditLedger>;
    if (asked.fill) return Response.json(await ledger.fill(asked.tenantId, asked.fill.from, asked.fill.to, asked.fill.batch));
    if (asked.append) return Response.json(await append(ledger, asked.tenantId, asked.append));
    if (asked.counts) return Response.json(counts.take() satisfies Counts);
    if (asked.changes) return Response.json(await change(env, asked.changes));
    return Response.json(asked.query ? await ledger.repeat(asked.query, asked.times ?? 1) : null);
  },
  async queue(batch, env, ctx) {
    counts.add(batch.queue === 'gatehouse-archive' ? 'archiveMessages' : 'deliveryMessages', batch.messages.length);
    await product.queue(batch, { ...env, AUDIT_ARCHIVE: countedBucket(env.AUDIT_ARCHIVE) }, ctx);
  },
} satisfies ExportedHandler<Env>;

async function append(ledger: DurableObjectStub<AuditLedger>, tenantId: string, { from, to, batch }: Fill): Promise<null> {
  for (let first = from; first <= to; first += batch) await ledger.append(batchOf(tenantId, first, Math.min(batch, to - first + 1)));
  return null;
}

/** A row that changes, alone or with its event in one batch. @returns rows that D1 wrote */
async function change(env: Env, { count, outbox }: { count: number; outbox: boolean }): Promise<number> {
  const db = shardsOf(env).get('s0');
  if (!db) throw new Error('There is no shard');
  let written = 0;
  for (let index = 0; index < count; index++) {
    const id = crypto.randomUUID();
    const mutation = db.prepare('UPDATE bench_things SET name = ? WHERE id = ?').bind(id, index % 100);
    const body = JSON.stringify([eventOf(index + 1)]);
    const row = db
      .prepare('INSERT INTO outbox (tenant_id, id, created_at, body) SELECT ?, ?, ?, CASE WHEN changes() = 1 THEN ? END')
      .bind('bench', id, Date.now(), body);
    const results = await db.batch(outbox ? [mutation, row] : [mutation]);
    for (const { meta } of results) written += meta.rows_written;
  }
  return written;
}
