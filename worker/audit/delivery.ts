import { z } from 'zod';
import { commit, eventOf, GuardFailed, type EventContext, type EventFacts } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import type { DeliveryClaim } from '../platform/objects.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { quarantineKey } from './archive-layout.ts';
import { findDestination, moveDestination, type StoredDestination } from './destinations.store.ts';
import type { Doorbell } from './queue.ts';
import { recurringEventId } from './recurring.ts';
import type { Outcome, OutgoingEvent } from './send.ts';
import { senderOf } from './sender.ts';

/** Batches that one doorbell delivers at most; the ledger rings again for the rest. */
const ROUNDS = 20;
const FIRST_RETRY_SECONDS = 5;
const LONGEST_RETRY_SECONDS = 300;
/** What fails for so long is worth telling. */
const FAILING_AFTER_MS = 5 * 60_000;

interface Delivery {
  services: Services;
  db: TenantDb;
  ledger: ReturnType<Services['ledger']['open']>;
  archive: R2Bucket;
  destination: StoredDestination;
}

/**
 * Delivers what a destination has not got yet, in order. It may be called at any time, by anybody, at
 * once: the ledger's lease lets one in, and its cursor says where to go on.
 */
export async function deliver(archive: R2Bucket, services: Services, { tenantId, shard, destinationId }: Doorbell): Promise<void> {
  const db = services.tenantDb(shard, tenantId);
  const ledger = services.ledger.open(tenantId, shard);
  const destination = await findDestination(db, destinationId);
  if (!destination) return ledger.removeDestination(destinationId);
  await ledger.pauseDestination(destinationId, destination.state === 'paused');
  if (destination.state === 'paused') return;
  const delivery: Delivery = { services, db, ledger, archive, destination };
  const sender = await senderOf(services, db, destination);
  let limit = sender.limit;
  for (let round = 0; round < ROUNDS; round++) {
    const claim = await ledger.claim(destinationId, limit);
    if (!claim) return;
    const events = claim.bodies.map(outgoing);
    const outcome = await sender.send(events);
    if (outcome.kind === 'split' && events.length > 1) limit = Math.ceil(events.length / 2);
    if (!(await settle(delivery, claim, events, outcome))) return;
  }
}

const eventHead = z.object({ seq: z.number(), id: z.string(), time: z.string(), action: z.string(), outcome: z.string() });

/** An event's JSON with the few facts that envelopes show. */
export const outgoing = (body: string): OutgoingEvent => ({ ...eventHead.parse(JSON.parse(body)), body });

/** Writes down what became of a batch. @returns whether to go on at once */
async function settle(delivery: Delivery, claim: DeliveryClaim, events: OutgoingEvent[], outcome: Outcome): Promise<boolean> {
  switch (outcome.kind) {
    case 'delivered':
      return advance(delivery, claim, events[outcome.count - 1]);
    case 'refused':
      return passOver(delivery, claim, events[outcome.index], outcome.message);
    case 'split':
      if (events.length === 1) return passOver(delivery, claim, events[0], outcome.message);
      return delivery.ledger.advance(delivery.destination.id, claim.lease, (events[0]?.seq ?? 1) - 1);
    case 'retry':
      await fail(delivery, claim, outcome.message, outcome.afterSeconds ?? pauseAfter(claim.failures), FAILING_AFTER_MS);
      return false;
    case 'hold':
      await fail(delivery, claim, outcome.message, LONGEST_RETRY_SECONDS, 0);
      return false;
    case 'gone':
      await fail(delivery, claim, outcome.message, LONGEST_RETRY_SECONDS, 0);
      await pauseForGood(delivery, outcome);
      return false;
  }
}

const pauseAfter = (failures: number): number => Math.min(FIRST_RETRY_SECONDS * 2 ** failures, LONGEST_RETRY_SECONDS);

async function advance(delivery: Delivery, claim: DeliveryClaim, last: OutgoingEvent | undefined): Promise<boolean> {
  const { ledger, db, destination } = delivery;
  if (!last || !(await ledger.advance(destination.id, claim.lease, last.seq))) return false;
  if (destination.state !== 'failing') return true;
  await move(delivery, moveDestination(db, destination.id, ['failing'], 'active'), { action: 'siem.recovered' });
  delivery.destination = { ...destination, state: 'active' };
  return true;
}

/** Sets an event aside that the destination will never take, so that it doesn't hold up those behind it. */
async function passOver(delivery: Delivery, claim: DeliveryClaim, event: OutgoingEvent | undefined, reason: string): Promise<boolean> {
  if (!event) return false;
  const { services, db, destination, archive } = delivery;
  const at = services.now().toISOString();
  const record = `{"destinationId":${JSON.stringify(destination.id)},"at":"${at}","reason":${JSON.stringify(reason)},"event":${event.body}}`;
  await archive.put(quarantineKey(db.tenantId, destination.id, event.seq), record, {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/json' },
  });
  // This event is delivered too, and may be refused like the other: once in a window, it can't go round.
  await commit(systemContext(delivery), {
    events: [
      {
        ...eventOf(systemContext(delivery), { ...resourceOf(destination), action: 'siem.failing', outcome: 'failure', reason }),
        id: recurringEventId(`quarantine|${destination.id}`, services.now()),
        details: { quarantinedEvent: event.id },
      },
    ],
  });
  return advance(delivery, claim, event);
}

async function fail(delivery: Delivery, claim: DeliveryClaim, reason: string, retryInSeconds: number, tellAfterMs: number): Promise<void> {
  const { services, ledger, db, destination } = delivery;
  const since = await ledger.fail(destination.id, claim.lease, reason, retryInSeconds);
  if (since === null || destination.state !== 'active') return;
  if (services.now().getTime() - Date.parse(since) < tellAfterMs) return;
  await move(delivery, moveDestination(db, destination.id, ['active'], 'failing'), { action: 'siem.failing', reason });
}

async function pauseForGood(delivery: Delivery, { message, status }: Outcome): Promise<void> {
  const { db, ledger, destination } = delivery;
  const pause = moveDestination(db, destination.id, ['active', 'failing'], 'paused');
  await move(delivery, pause, { action: 'siem.pause', reason: message, ...(status === null ? {} : { status }) });
  await ledger.pauseDestination(destination.id, true);
}

/** A change of state with its event. Somebody else's change that came first wins, with its own event. */
async function move(delivery: Delivery, guard: Statement, facts: Pick<EventFacts, 'action' | 'reason' | 'status'>): Promise<void> {
  const ctx = systemContext(delivery);
  try {
    await commit(ctx, { guard, events: [eventOf(ctx, { ...resourceOf(delivery.destination), ...facts })] });
  } catch (error) {
    if (!(error instanceof GuardFailed)) throw error;
  }
}

const resourceOf = ({ id, name }: StoredDestination): Pick<EventFacts, 'resource'> => ({ resource: { type: 'siem', id, name } });
const systemContext = ({ services, db }: Delivery): EventContext => ({
  ...services,
  db,
  actor: { type: 'system', name: 'Gatehouse' },
  request: null,
});
