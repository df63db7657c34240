import { createHash, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { operatorRebuild, operatorTenant, operatorTenantList } from '@gatehouse/core/api/deployment.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, record, type EventContext } from '../platform/commit.ts';
import type { Actor, RequestFacts, Services } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import { statement } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { placeById, places, updatePlace, type TenantPlace } from './tenants.store.ts';

/** Whoever keeps this deployment; stands outside every tenant. */
export type OperatorContext = Services & { request: RequestFacts | null; actor: Actor };

const GUESSES = { limit: 10, windowSeconds: 900 };
const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** @throws AppError `not-signed-in`, `rate-limited` after ten wrong tokens from one network */
export async function authenticateOperator(services: Services, request: RequestFacts, authorization: string | undefined): Promise<void> {
  const anonymous: EventContext & Services = { ...services, request, actor: { type: 'anonymous', name: 'unknown' }, db: services.systemDb };
  const facts = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'the operator’s API' } } as const;
  const key = `operator ${networkOf(request.origin.ip)}`;
  await countAttempt(anonymous, key, GUESSES, facts);
  const token = authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : '';
  if (!timingSafeEqual(sha256(token), sha256(services.settings.OPERATOR_TOKEN))) {
    await record(anonymous, { ...facts, outcome: 'denied', status: 401, reason: 'Wrong operator token' });
    throw new AppError('not-signed-in', 'The operator’s token is missing or wrong');
  }
  await services.throttle.forget(key);
}

export async function listTenants(
  ctx: OperatorContext,
  page: { limit: number; after: string },
): Promise<z.infer<typeof operatorTenantList>> {
  return pageOf(await places(ctx.directory, page), page.limit, present, (row) => [row.id]);
}

/** Its people are signed out and refused until it is activated; nothing of it is lost. */
export const suspendTenant = (ctx: OperatorContext, id: string, reason: string) => order(ctx, id, 'suspended', reason);
export const activateTenant = (ctx: OperatorContext, id: string) => order(ctx, id, 'active', null);

/**
 * Has an organisation's audit ledger made anew from the archive; asked again, says how far that is. What happens meanwhile
 * waits and is recorded when it is done.
 */
export async function rebuildLedger(ctx: OperatorContext, id: string): Promise<z.infer<typeof operatorRebuild>> {
  const place = await placeById(ctx.directory, id);
  if (!place) throw new AppError('not-found', 'There is no such organisation');
  const ledger = ctx.ledger.open(id, place.shard);
  const running = await ledger.rebuilding();
  if (running && running.fault === null) return { state: 'running', ...running };
  const begun = await ledger.rebuild(id, place.shard);
  if ('notArchived' in begun) throw new AppError('not-ready', `${begun.notArchived} events are not archived yet: try again in a minute`);
  const facts = { action: 'audit.rebuild', resource: { type: 'audit', id: null, name: 'Audit log' }, status: 202 } as const;
  await record({ ...ctx, db: ctx.tenantDb(place.shard, id) }, facts);
  await record({ ...ctx, db: ctx.systemDb }, { ...facts, details: { tenant: id } });
  return { state: 'begun', ...begun, fault: running?.fault ?? null };
}

/**
 * The directory takes the order, the shard makes it true together with its event; if that second half
 * fails, the sweep makes up for it. An order that is fulfilled already changes nothing.
 */
async function order(
  ctx: OperatorContext,
  id: string,
  state: 'active' | 'suspended',
  reason: string | null,
): Promise<z.infer<typeof operatorTenant>> {
  const place = await placeById(ctx.directory, id);
  if (!place) throw new AppError('not-found', 'There is no such organisation');
  await updatePlace(ctx.directory, id, { state });
  await applyState(ctx, { ...place, state }, reason);
  return present({ ...place, state });
}

/** Makes the directory's state that of the shard. Suspension also closes what is open. */
export async function applyState(ctx: OperatorContext, place: TenantPlace, reason: string | null): Promise<void> {
  const db = ctx.tenantDb(place.shard, place.id);
  const facts = {
    action: place.state === 'suspended' ? 'tenant.suspend' : 'tenant.activate',
    resource: { type: 'tenant', id: place.id, name: place.name },
    ...(ctx.request ? { status: 200 } : {}),
    ...(reason === null ? {} : { reason }),
  } as const;
  const lessened = place.state === 'suspended' ? { lessens: { users: 'everybody', cause: 'The organisation was suspended' } as const } : {};
  const guard = statement('UPDATE tenants SET state = ?2 WHERE tenant_id = ?1 AND state <> ?2', place.id, place.state);
  try {
    await commit({ ...ctx, db }, { guard, events: [eventOf({ ...ctx, db }, facts)], ...lessened });
  } catch (error) {
    if (error instanceof GuardFailed) return;
    throw error;
  }
  await record({ ...ctx, db: ctx.systemDb }, facts);
}

const present = ({ created_at, ...place }: TenantPlace): z.infer<typeof operatorTenant> => ({ ...place, createdAt: created_at });
