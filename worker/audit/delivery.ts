import { commit, eventOf } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import type { DeliveryClaim, Lane } from '../platform/objects.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { quarantineKey } from './archive-layout.ts';
import { mailManagers, moveWithEvent, siemResource, systemContext } from './delivery-alarm.ts';
import { changeReplay, findDestination, moveDestination, type StoredDestination } from './destinations.store.ts';
import type { Doorbell } from './queue.ts';
import { recurringEventId } from './recurring.ts';
import type { Outcome, OutgoingEvent } from './send.ts';
import { senderOf } from './sender.ts';
import { shapeOf } from './shape.ts';

/** Batches, and time, that one doorbell gets at most; the ledger rings again for the rest. */
const ROUNDS = 200;
const LONGEST_MS = 20_000;
/** Events that are looked at in one go where a filter passes most of them over. */
const FILTERED_AT_ONCE = 1_000;
const FIRST_RETRY_SECONDS = 5;
const LONGEST_RETRY_SECONDS = 300;
/** Somebody has to change something first, and that makes us try at once. */
const HELD_RETRY_SECONDS = 15 * 60;
/** So many refused one after another are not the events' fault. */
const REFUSED_IN_A_ROW = 20;

interface Delivery {
  services: Services;
  db: TenantDb;
  ledger: ReturnType<Services['ledger']['open']>;
  archive: R2Bucket;
  destination: StoredDestination;
  lane: Lane;
}

/** What was handed out: `wanted` of it goes to the destination, the cursor moves over all of it. */
interface Batch {
  claim: DeliveryClaim;
  wanted: OutgoingEvent[];
  first: number;
  last: number;
}

/**
 * Delivers what a destination has not got yet, in order. It may be called at any time, by anybody, at
 * once: the ledger's lease lets one in, and its cursor says where to go on.
 */
export async function deliver(archive: R2Bucket, services: Services, bell: Doorbell): Promise<void> {
  const { tenantId, shard, destinationId, replay = false } = bell;
  const db = services.tenantDb(shard, tenantId);
  const ledger = services.ledger.open(tenantId, shard);
  const destination = await findDestination(db, destinationId);
  if (!destination) return ledger.removeDestination(destinationId);
  await ledger.pauseDestination(destinationId, destination.state === 'paused');
  if (destination.state === 'paused') return;
  await drain({ services, db, ledger, archive, destination, lane: { destinationId, replay } });
}

async function drain(delivery: Delivery): Promise<void> {
  const { services, db, ledger, destination, lane } = delivery;
  const [sender, shape] = await Promise.all([senderOf(services, db, destination), shapeOf(db, destination)]);
  const until = services.now().getTime() + LONGEST_MS;
  let limit = destination.filter === '' ? sender.limit : FILTERED_AT_ONCE;
  for (let round = 0; round < ROUNDS && services.now().getTime() <= until; round++) {
    const claim = await ledger.claim(lane, limit);
    if (claim === null) return;
    if (claim === 'done') return finishReplay(delivery);
    const { first, last, bodies } = claim;
    const batch = { claim, wanted: shape(bodies), first, last };
    const outcome = batch.wanted.length === 0 ? null : await sender.send(batch.wanted);
    if (outcome?.kind === 'split') limit = halfOf(batch, outcome.count ?? batch.wanted.length);
    const goesOn = outcome === null ? await ledger.advance(lane, claim.lease, batch.last, null) : await settle(delivery, batch, outcome);
    if (!goesOn) return;
  }
}

/** How many events to claim so that half as many are sent. */
const halfOf = ({ wanted, first }: Batch, sent: number): number => (wanted[Math.ceil(sent / 2) - 1]?.event.seq ?? first) - first + 1;

/** Writes down what became of a batch. @returns whether to go on at once */
async function settle(delivery: Delivery, batch: Batch, outcome: Outcome): Promise<boolean> {
  const { ledger, lane } = delivery;
  const { claim, wanted, first, last } = batch;
  const { status, message } = outcome;
  switch (outcome.kind) {
    case 'delivered': {
      // What the filter passes over behind the last one taken is done with, too.
      const next = wanted[outcome.count];
      const report = { status, delivered: outcome.count, ...(outcome.note === undefined ? {} : { note: outcome.note }) };
      return ledger.advance(lane, claim.lease, next ? next.event.seq - 1 : last, report);
    }
    case 'refused':
      return passOver(delivery, batch, outcome.index, outcome);
    case 'split':
      if (outcome.count === 1) return passOver(delivery, batch, 0, outcome);
      return ledger.advance(lane, claim.lease, first - 1, { status, delivered: 0 });
    case 'retry':
      await fail(delivery, claim, outcome, outcome.afterSeconds ?? pauseAfter(delivery.services, claim.failures));
      return false;
    case 'hold':
      await fail(delivery, claim, outcome, jittered(delivery.services, HELD_RETRY_SECONDS));
      return false;
    case 'gone':
      await pauseForGood(delivery, claim, { status, message });
      return false;
  }
}

/** Not all at once: a tenth to a half later than said. */
const jittered = ({ random }: Services, seconds: number): number => seconds * (1.1 + ((random(1)[0] ?? 0) / 255) * 0.4);
const pauseAfter = (services: Services, failures: number): number =>
  Math.min(jittered(services, FIRST_RETRY_SECONDS * 2 ** Math.min(failures, 10)), LONGEST_RETRY_SECONDS);

async function fail(
  { ledger, lane }: Delivery,
  { lease }: DeliveryClaim,
  { kind, message, status }: Pick<Outcome, 'kind' | 'message' | 'status'>,
  retryInSeconds: number,
): Promise<boolean> {
  return ledger.fail(lane, lease, { message, status, retryInSeconds, held: kind === 'hold' });
}

/** Sets an event aside that the destination will never take, so that it doesn't hold up those behind it. */
async function passOver(delivery: Delivery, { claim, wanted }: Batch, index: number, { status, message }: Outcome): Promise<boolean> {
  const refused = wanted[index];
  if (!refused) return false;
  if (index === 0 && claim.refusedInARow >= REFUSED_IN_A_ROW) {
    const reason = `It refused ${REFUSED_IN_A_ROW} events one after another, which is hardly their fault. The last time: ${message}`;
    await fail(delivery, claim, { kind: 'hold', message: reason, status }, jittered(delivery.services, HELD_RETRY_SECONDS));
    return false;
  }
  const { seq, id, action, time } = refused.event;
  await keepAside(delivery, refused, message);
  return delivery.ledger.setAside(delivery.lane, claim.lease, { seq, eventId: id, action, time, reason: message, status, before: index });
}

async function keepAside({ services, db, destination, archive }: Delivery, { event }: OutgoingEvent, reason: string): Promise<void> {
  const at = services.now().toISOString();
  await archive.put(
    quarantineKey(db.tenantId, destination.id, event.seq),
    JSON.stringify({ destinationId: destination.id, at, reason, event }),
    {
      onlyIf: { etagDoesNotMatch: '*' },
      httpMetadata: { contentType: 'application/json' },
    },
  );
  // This event is delivered too, and may be refused like the other: once in a window, it can't go round.
  const ctx = systemContext(services, db);
  const told = eventOf(ctx, {
    ...siemResource(destination),
    ...{ action: 'siem.set_aside', outcome: 'failure', reason, details: { eventId: event.id, seq: event.seq } },
  });
  await commit(ctx, { events: [{ ...told, id: recurringEventId(`quarantine|${destination.id}`, services.now()) }] });
}

async function pauseForGood(delivery: Delivery, claim: DeliveryClaim, said: { status: number | null; message: string }): Promise<void> {
  const { services, db, ledger, destination } = delivery;
  await fail(delivery, claim, { kind: 'retry', ...said }, HELD_RETRY_SECONDS);
  const pause = moveDestination(db, destination.id, ['active', 'failing', 'held'], 'paused');
  const facts = { action: 'siem.pause', reason: said.message, ...(said.status === null ? {} : { status: said.status }) } as const;
  const ours = await moveWithEvent(services, db, destination, pause, facts);
  await ledger.pauseDestination(destination.id, true);
  if (!ours) return;
  await mailManagers(services, db, `${destination.name} was paused`, [
    `The SIEM destination “${destination.name}” asks never to be called again: ${said.message}`,
    'Nothing is lost: resume it, and it goes on where it was.',
  ]);
}

async function finishReplay({ services, db, ledger, destination }: Delivery): Promise<void> {
  const { id, replay } = destination;
  const finished = replay === null ? null : changeReplay(db, id, replay, null);
  const ours =
    finished && (await moveWithEvent(services, db, destination, finished, { action: 'siem.replay.finish', details: { replay } }));
  await ledger.endReplay(id, ours ? 'finished' : 'cancelled');
}
