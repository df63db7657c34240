import { archiveSegment } from './archive.ts';
import { deadLetterKey } from './archive-layout.ts';
import { compact } from './compaction.ts';
import { deliver } from './delivery.ts';
import { compactionOrder, doorbell, segmentPointer } from './queue.ts';
import type { Services } from '../platform/context.ts';
import type { Env } from '../platform/env.ts';

const LONGEST_DELAY_SECONDS = 300;

type Handler = (message: Message<unknown>, env: Env, services: Services) => Promise<void>;

/** What each queue of wrangler.toml is for. */
const HANDLERS = new Map<string, Handler>([
  ['gatehouse-archive', archive],
  ['gatehouse-delivery', ring],
  ['gatehouse-dead', bury],
]);

/** Every message is settled by itself: one that fails doesn't bring back its neighbours. */
export async function consume(batch: MessageBatch<unknown>, env: Env, services: Services): Promise<void> {
  const handle = HANDLERS.get(batch.queue);
  await Promise.all(
    batch.messages.map(async (message) => {
      try {
        if (!handle) throw new Error('Nobody handles this queue');
        await handle(message, env, services);
        message.ack();
      } catch (error) {
        services.log('warn', 'queue message failed', { queue: batch.queue, attempts: message.attempts, error: String(error) });
        message.retry({ delaySeconds: Math.min(2 ** message.attempts, LONGEST_DELAY_SECONDS) });
      }
    }),
  );
}

async function archive(message: Message<unknown>, env: Env, services: Services): Promise<void> {
  const order = compactionOrder.safeParse(message.body);
  if (order.success) await compact(env.AUDIT_ARCHIVE, services, order.data);
  else await archiveSegment(env.AUDIT_ARCHIVE, services, segmentPointer.parse(message.body));
}

/**
 * A doorbell is answered at once and the delivery goes on behind it, so that a slow destination doesn't
 * hold the queue. Nothing hangs on the message: the ledger rings again until the cursor has caught up.
 */
async function ring(message: Message<unknown>, env: Env, services: Services): Promise<void> {
  const bell = doorbell.parse(message.body);
  services.defer(
    deliver(env.AUDIT_ARCHIVE, services, bell).catch((error: unknown) =>
      services.log('error', 'delivery broke off', { ...bell, error: String(error) }),
    ),
  );
}

/**
 * Messages that failed too often. They were pointers, and the ledger announces again what isn't archived:
 * the copy in R2 is there for people to read.
 */
async function bury(message: Message<unknown>, env: Env, services: Services): Promise<void> {
  services.log('error', 'queue message given up', { messageId: message.id, body: JSON.stringify(message.body).slice(0, 500) });
  const record = { id: message.id, sentAt: message.timestamp.toISOString(), buriedAt: services.now().toISOString(), body: message.body };
  await env.AUDIT_ARCHIVE.put(deadLetterKey(message.timestamp, message.id), JSON.stringify(record), {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/json' },
  });
}
