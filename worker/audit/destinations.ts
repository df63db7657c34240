import type { z } from 'zod';
import type {
  Destination,
  DestinationConfig,
  destinationCreate,
  destinationTested,
  destinationUpdate,
  Health,
  siemSummary,
} from '@gatehouse/core/api/audit.ts';
import { DESTINATION_STATES } from '@gatehouse/core/api/audit.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, require, type EventFacts } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { checkConfig, checkFilter, checkSecret, leadsElsewhere, RULES, tracked } from './destination-config.ts';
import * as store from './destinations.store.ts';
import type { StoredDestination } from './destinations.store.ts';
import { senderOf } from './sender.ts';
import { shapeOf } from './shape.ts';
import { newWebhookSecret, ROTATION_MS, webhookPublicKey } from './webhook.ts';

export const siem = (id: string | null, name: string): EventFacts['resource'] => ({ type: 'siem', id, name });
const listed = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'the list of SIEM destinations' } } as const;

/** First line of whatever only looks. @throws AppError `permission-denied` */
export const requireReader = (ctx: Context): Promise<UserContext> => require(ctx, 'siem:read', listed);

/** The tenant's destinations, each with how its delivery stands. There are too few for pages. */
export async function listDestinations(ctx: Context): Promise<Destination[]> {
  const user = await requireReader(ctx);
  return present(user, await store.listDestinations(user.db));
}

/** @throws AppError `not-found` */
export async function readDestination(ctx: Context, id: string): Promise<Destination> {
  const user = await requireReader(ctx);
  return presentOne(user, await find(user, id));
}

/** How many destinations there are in each state, and how far behind they are at most. */
export async function readSummary(ctx: Context): Promise<z.infer<typeof siemSummary>> {
  const all = await listDestinations(ctx);
  const count = (state: string) => all.filter((each) => each.state === state).length;
  const waiting = all.flatMap(({ waitingSince }) => (waitingSince === null ? [] : [waitingSince]));
  return {
    states: Object.fromEntries(DESTINATION_STATES.map((state) => [state, count(state)])) as Record<Destination['state'], number>,
    lag: Math.max(0, ...all.map(({ lag }) => lag)),
    waitingSince: waiting.sort()[0] ?? null,
    setAside: all.reduce((sum, { setAside }) => sum + setAside, 0),
  };
}

/** What came of the requests of the last thirty days. @throws AppError `not-found` */
export async function readHealth(ctx: Context, id: string, by: 'hour' | 'day'): Promise<Health> {
  const user = await requireReader(ctx);
  await find(user, id);
  return user.ledger.open(user.db.tenantId, user.db.shard).health(id, by);
}

/**
 * Adds a destination; it gets every event from that of its own creation on.
 * @returns the webhook's secret if it was made here: it is never shown again
 * @throws AppError `invalid`, `quota-exceeded`
 */
export async function createDestination(
  ctx: Context,
  input: z.infer<typeof destinationCreate>,
): Promise<Destination & { secret: string | null }> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.create', resource: siem(null, input.name) });
  const { config, name, filter, format } = input;
  checkConfig(user.settings, config);
  checkFilter(filter);
  const made = config.type === 'webhook' && input.secret === undefined ? await newWebhookSecret(config.signing, user.random) : null;
  const secret = checkSecret(config, input.secret ?? made);
  const id = user.newId('destination');
  const destination: StoredDestination = {
    ...{ id, name, config, filter, format, state: 'active', replay: null, rotatesUntil: null },
    secret: await user.secrets.seal(user.db, store.secretAddress(id), secret),
    publicKey: await publicKeyOf(config, secret),
    createdAt: user.now().toISOString(),
  };
  const event = eventOf(user, { action: 'siem.create', resource: siem(id, name), status: 201, diff: changes(null, destination) });
  await onGuard(
    commit(user, { guard: store.insertDestination(user.db, destination), events: [event] }),
    () => new AppError('quota-exceeded', 'The organisation has as many SIEM destinations as it may'),
  );
  return { ...(await presentOne(user, destination)), secret: made };
}

/**
 * Changes a destination. Whoever leads it to another place must bring the secret anew: it would otherwise
 * be handed to that place.
 * @throws AppError `not-found`, `invalid`, `conflict` when somebody else changed it just now
 */
export async function updateDestination(ctx: Context, id: string, input: z.infer<typeof destinationUpdate>): Promise<Destination> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.update', resource: siem(id, input.name ?? id) });
  const before = await find(user, id);
  const { config = before.config, filter = before.filter } = input;
  checkConfig(user.settings, config);
  checkFilter(filter);
  const isNew = input.secret !== undefined || leadsElsewhere(before.config, config);
  const secret = isNew ? checkSecret(config, input.secret ?? null) : null;
  const after: StoredDestination = { ...before, name: input.name ?? before.name, config, filter, format: input.format ?? before.format };
  if (secret !== null)
    Object.assign(after, {
      secret: await user.secrets.seal(user.db, store.secretAddress(id), secret),
      publicKey: await publicKeyOf(config, secret),
      rotatesUntil: null,
    });
  await update(user, before, after, 'siem.update');
  return presentOne(user, after);
}

async function update(
  user: UserContext,
  before: StoredDestination,
  after: StoredDestination,
  action: 'siem.update' | 'siem.rotate_secret',
) {
  const event = eventOf(user, { action, resource: siem(after.id, after.name), status: 200, diff: changes(before, after) });
  await onGuard(
    commit(user, { guard: store.updateDestination(user.db, before, after), events: [event] }),
    () => new AppError('conflict', 'Somebody else changed this destination just now'),
  );
}

/**
 * Makes a new secret for a webhook; the former one signs along for a day, so that no delivery fails while the receiver changes
 * over. @returns the new one, which is never shown again
 * @throws AppError `not-found`, `not-ready` for what is no webhook, `conflict`
 */
export async function rotateSecret(ctx: Context, id: string): Promise<Destination & { secret: string }> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.rotate_secret', resource: siem(id, id) });
  const before = await find(user, id);
  const { config } = before;
  if (config.type !== 'webhook') throw new AppError('not-ready', 'Only a webhook’s secret is made here: enter the new one instead');
  const [former] = (await user.secrets.open(user.db, store.secretAddress(id), before.secret)).split(' ');
  const secret = await newWebhookSecret(config.signing, user.random);
  const after: StoredDestination = {
    ...before,
    secret: await user.secrets.seal(user.db, store.secretAddress(id), `${secret} ${former}`),
    publicKey: await publicKeyOf(config, secret),
    rotatesUntil: new Date(user.now().getTime() + ROTATION_MS).toISOString(),
  };
  await update(user, before, after, 'siem.rotate_secret');
  return { ...(await presentOne(user, after)), secret };
}

/** @throws AppError `not-found` */
export async function deleteDestination(ctx: Context, id: string): Promise<void> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.delete', resource: siem(id, id) });
  const before = await find(user, id);
  const event = eventOf(user, { action: 'siem.delete', resource: siem(id, before.name), status: 204, diff: changes(before, null) });
  await onGuard(commit(user, { guard: store.deleteDestination(user.db, id), events: [event] }), notFound);
}

/** Holds delivery; nothing is lost. @throws AppError `not-found`, `not-ready` when it is paused already */
export async function pauseDestination(ctx: Context, id: string): Promise<Destination> {
  return move(ctx, id, { action: 'siem.pause', from: ['active', 'failing', 'held'], to: 'paused', otherwise: 'It is paused already' });
}

/** Goes on where it was held. @throws AppError `not-found`, `not-ready` when it isn't paused */
export async function resumeDestination(ctx: Context, id: string): Promise<Destination> {
  return move(ctx, id, { action: 'siem.resume', from: ['paused', 'held'], to: 'active', otherwise: 'It isn’t paused' });
}

interface Move {
  action: 'siem.pause' | 'siem.resume';
  from: ReadonlyArray<StoredDestination['state']>;
  to: StoredDestination['state'];
  otherwise: string;
}

async function move(ctx: Context, id: string, { action, from, to, otherwise }: Move): Promise<Destination> {
  const user = await require(ctx, 'siem:manage', { action, resource: siem(id, id) });
  const before = await find(user, id);
  const event = eventOf(user, { action, resource: siem(id, before.name), status: 200 });
  await onGuard(
    commit(user, { guard: store.moveDestination(user.db, id, from, to), events: [event] }),
    () => new AppError('not-ready', otherwise),
  );
  // The event tells the ledger too; this only spares the wait.
  await user.ledger.open(user.db.tenantId, user.db.shard).pauseDestination(id, to === 'paused');
  return presentOne(user, { ...before, state: to });
}

/**
 * Sends a real event, this test's own, the way every event goes, and says what came back. Delivery sends
 * it once more in its turn, with the same id. The filter is not asked.
 * @throws AppError `not-found`
 */
export async function testDestination(ctx: Context, id: string): Promise<z.infer<typeof destinationTested>> {
  const user = await require(ctx, 'siem:manage', { action: 'siem.test', resource: siem(id, id) });
  const destination = await find(user, id);
  const { tenantId, shard } = user.db;
  const event = eventOf(user, { action: 'siem.test', resource: siem(id, destination.name), status: 200 });
  await user.ledger.append(tenantId, shard, [{ outboxId: user.newId('outbox'), events: [event] }]);
  const { bodies } = await user.ledger
    .open(tenantId, shard)
    .query({ limit: 20, order: 'desc', by: 'seq', resourceId: id, action: 'siem.test' });
  const shape = await shapeOf(user.db, { filter: '', format: destination.format });
  const recorded = shape(bodies).find((each) => each.event.id === event.id);
  if (!recorded) throw new AppError('unavailable', 'Many tests run at once; try again');
  const { send } = await senderOf(user, user.db, destination);
  const { kind, status, message } = await send([recorded]);
  return { ok: kind === 'delivered', status, message };
}

const notFound = () => new AppError('not-found', 'There is no such SIEM destination');

/** @throws AppError `not-found` */
export async function find({ db }: UserContext, id: string): Promise<StoredDestination> {
  const found = await store.findDestination(db, id);
  if (!found) throw notFound();
  return found;
}

const publicKeyOf = async (config: DestinationConfig, secret: string): Promise<string | null> =>
  config.type === 'webhook' ? webhookPublicKey(config.signing, secret) : null;

const changes = (before: StoredDestination | null, after: StoredDestination | null) =>
  diff(RULES, before && tracked(before), after && tracked(after));

export const presentOne = async (ctx: UserContext, destination: StoredDestination): Promise<Destination> => {
  const [shown] = await present(ctx, [destination]);
  if (!shown) throw notFound();
  return shown;
};

async function present({ ledger, db, now }: UserContext, destinations: StoredDestination[]): Promise<Destination[]> {
  const opened = ledger.open(db.tenantId, db.shard);
  const [{ size }, statuses] = await Promise.all([opened.status(), opened.deliveryStatus()]);
  return destinations.map(({ secret: _secret, replay: _replay, ...shown }) => {
    const status = statuses.find(({ destinationId }) => destinationId === shown.id);
    // Until its creation has reached the ledger, a destination has missed nothing.
    const deliveredTo = status?.deliveredTo ?? size;
    return {
      ...shown,
      rotatesUntil: shown.rotatesUntil !== null && shown.rotatesUntil > now().toISOString() ? shown.rotatesUntil : null,
      deliveredTo,
      lag: size - deliveredTo,
      waitingSince: status?.waitingSince ?? null,
      lastSuccessAt: status?.lastSuccessAt ?? null,
      lastError: status?.lastError ?? null,
      lastNote: status?.lastNote ?? null,
      setAside: status?.setAside ?? 0,
      replay: status?.replay ?? null,
    };
  });
}
