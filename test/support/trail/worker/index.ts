import product, { AuditLedger as Product, Hasher, RecordingIndex, Runner, Throttle, Workspace } from '../../../../worker/index.ts';
import { append } from '../../../../worker/audit/ledger.append.ts';
import type { AppendRequest } from '../../../../worker/platform/objects.ts';
import type { Env } from '../../../../worker/platform/env.ts';
import { eventOf } from '../../../bench/audit/model.ts';
import { BURST, calendarOf, timeOf, type Asked, type Fill } from '../shape.ts';

/** The product with a door through which a ledger gets a history: events that were recorded when they happened. */
export class AuditLedger extends Product {
  fill(tenantId: string, { from, to, total, end, days }: Fill): void {
    const calendar = calendarOf(end, days);
    for (let first = from; first <= to; first += BURST) {
      const events = Array.from({ length: Math.min(BURST, to - first + 1) }, (_, index) => {
        const n = first + index;
        return { ...eventOf(n), time: new Date(timeOf(calendar, n, total)).toISOString() };
      });
      const now = new Date(events.at(-1)?.time ?? end);
      const batches = [{ outboxId: `trail-${first}`, events }];
      append(this.ctx.storage, { tenantId, shard: 's0', source: 'trail', batches }, { now, random });
    }
  }

  /** Events of now. */
  async happen(tenantId: string, from: number, count: number): Promise<void> {
    const time = new Date().toISOString();
    const events = Array.from({ length: count }, (_, index) => ({ ...eventOf(from + index), time }));
    await super.append({ tenantId, shard: 's0', source: 'trail', batches: [{ outboxId: `trail-${from}`, events }] });
  }

  /** A trail is there to be looked at: its million events need not go to the archive first, and leave the machine alone. */
  override async alarm(): Promise<void> {}

  /** What happens now waits in its outbox until the history is there: order of recording is order of time. */
  override async append(request: AppendRequest): Promise<void> {
    if ('TRAIL_FILLS' in this.env) throw new Error('The history comes first');
    await super.append(request);
  }
}
export { Hasher, RecordingIndex, Runner, Throttle, Workspace };

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

export default {
  ...product,
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== '/trail') return product.fetch(request, env, ctx);
    const { tenantId, fill, happen } = await request.json<Asked>();
    const ledger = env.AUDIT_LEDGER.getByName(tenantId) as unknown as DurableObjectStub<AuditLedger>;
    if (fill) await ledger.fill(tenantId, fill);
    if (happen) await ledger.happen(tenantId, happen.from, happen.count);
    return Response.json(null);
  },
} satisfies ExportedHandler<Env>;
