import type { z } from 'zod';
import type { Destination, DestinationConfig, destinationCreate, destinationTested, destinationUpdate } from '@gatehouse/core/api/audit.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, require, type EventFacts } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import type { Settings } from '../platform/env.ts';
import { outgoing } from './delivery.ts';
import { refusalOf } from './destination-url.ts';
import * as store from './destinations.store.ts';
import type { StoredDestination } from './destinations.store.ts';
import { senderOf } from './sender.ts';
import { newWebhookSecret, webhookSecretFault } from './webhook.ts';

const siem = (id: string | null, name: string): EventFacts['resource'] => ({ type: 'siem', id, name });
const listed = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'the list of SIEM destinations' } } as const;

/** The tenant's destinations, each with how its delivery stands. There are too few for pages. */
export async function listDestinations(ctx: Context): Promise<Destination[]> {
  const user = await require(ctx, 'siem:read', listed);
  return present(user, await store.listDestinations(user.db));
}

/** @throws AppError `not-found` */
export async function readDestination(ctx: Context, id: string): Promise<Destination> {
  const user = await require(ctx, 'siem:read', listed);
  return presentOne(user, await find(user, id));
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
  const { config, name } = input;
  const made = config.type === 'webhook' && input.secret === undefined ? newWebhookSecret(user.random) : null;
  const secret = input.secret ?? made;
  check(user.settings, config, secret);
  const id = user.newId('destination');
  const destination: StoredDestination = {
    id,
    name,
    config,
    secret: await user.secrets.seal(user.db, store.secretAddress(id), secret),
    state: 'active',
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
  const config = input.config ?? before.config;
  if (input.secret !== undefined || leadsElsewhere(before.config, config)) check(user.settings, config, input.secret ?? null);
  else checkAddress(user.settings, config);
  const sealed = input.secret === undefined ? before.secret : await user.secrets.seal(user.db, store.secretAddress(id), input.secret);
  const after: StoredDestination = { ...before, name: input.name ?? before.name, config, secret: sealed };
  const event = eventOf(user, { action: 'siem.update', resource: siem(id, after.name), status: 200, diff: changes(before, after) });
  await onGuard(
    commit(user, { guard: store.updateDestination(user.db, before, after), events: [event] }),
    () => new AppError('conflict', 'Somebody else changed this destination just now'),
  );
  return presentOne(user, after);
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
  return move(ctx, id, { action: 'siem.pause', from: ['active', 'failing'], to: 'paused', otherwise: 'It is paused already' });
}

/** Goes on where it was held. @throws AppError `not-found`, `not-ready` when it isn't paused */
export async function resumeDestination(ctx: Context, id: string): Promise<Destination> {
  return move(ctx, id, { action: 'siem.resume', from: ['paused'], to: 'active', otherwise: 'It isn’t paused' });
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
 * it once more in its turn, with the same id.
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
  const recorded = bodies.map(outgoing).find((each) => each.id === event.id);
  if (!recorded) throw new AppError('unavailable', 'Many tests run at once; try again');
  const { send } = await senderOf(user, user.db, destination);
  const { kind, status, message } = await send([recorded]);
  return { ok: kind === 'delivered', status, message };
}

const notFound = () => new AppError('not-found', 'There is no such SIEM destination');

async function find({ db }: UserContext, id: string): Promise<StoredDestination> {
  const found = await store.findDestination(db, id);
  if (!found) throw notFound();
  return found;
}

/** @throws AppError `invalid` naming the field */
function check(settings: Settings, config: DestinationConfig, secret: string | null): asserts secret is string {
  checkAddress(settings, config);
  const fault = secret === null ? 'is needed' : config.type === 'webhook' ? webhookSecretFault(secret) : tokenFault(secret);
  if (fault !== null) throw invalid('secret', fault);
}

function checkAddress(settings: Settings, config: DestinationConfig): void {
  const refusal = refusalOf(config.url, settings);
  if (refusal !== null) throw invalid('config.url', refusal);
}

const tokenFault = (token: string): string | null => (/^[\x21-\x7e]+$/.test(token) ? null : 'must be a token without spaces');
const invalid = (path: string, message: string) => new AppError('invalid', `${path} ${message}`, { errors: [{ path, message }] });

const leadsElsewhere = (before: DestinationConfig, after: DestinationConfig): boolean =>
  before.type !== after.type || new URL(before.url).origin !== new URL(after.url).origin;

interface TrackedFields {
  name: string;
  type: string;
  /** without its query, which may hold a token */
  url: string;
  query: string;
  index: string;
  source: string;
  secret: string;
}

const RULES: FieldRules<TrackedFields> = {
  name: 'tracked',
  type: 'tracked',
  url: 'tracked',
  query: 'secret',
  index: 'tracked',
  source: 'tracked',
  secret: 'secret',
};

const changes = (before: StoredDestination | null, after: StoredDestination | null) =>
  diff(RULES, before && tracked(before), after && tracked(after));

function tracked({ name, config, secret }: StoredDestination): TrackedFields {
  const { origin, pathname, search } = new URL(config.url);
  const splunk = config.type === 'splunk-hec' ? config : { index: '', source: '' };
  return { name, type: config.type, url: origin + pathname, query: search, index: splunk.index, source: splunk.source, secret };
}

const presentOne = async (ctx: UserContext, destination: StoredDestination): Promise<Destination> => {
  const [shown] = await present(ctx, [destination]);
  if (!shown) throw notFound();
  return shown;
};

async function present({ ledger, db }: UserContext, destinations: StoredDestination[]): Promise<Destination[]> {
  const opened = ledger.open(db.tenantId, db.shard);
  const [{ size }, statuses] = await Promise.all([opened.status(), opened.deliveryStatus()]);
  return destinations.map(({ secret: _secret, ...shown }) => {
    const status = statuses.find(({ destinationId }) => destinationId === shown.id);
    // Until its creation has reached the ledger, a destination has missed nothing.
    const deliveredTo = status?.deliveredTo ?? size;
    return {
      ...shown,
      deliveredTo,
      lag: size - deliveredTo,
      lastSuccessAt: status?.lastSuccessAt ?? null,
      lastError: status?.lastError ?? null,
    };
  });
}
