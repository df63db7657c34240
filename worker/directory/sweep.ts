import type { Services } from '../platform/context.ts';
import { applyState, type OperatorContext } from './operator.ts';
import { deleteReserved, halfOrdered, reservedBefore, upsertActive, type TenantPlace } from './tenants.store.ts';

/** Older than any sign-up that is still under way. */
const HALF_DONE_MINUTES = 5;
const AT_ONCE = 100;

/** Mends what stopped half way: sign-ups whose slug is only reserved, and orders of the operator that the shard never saw. */
export async function sweepDirectory(services: Services): Promise<void> {
  const before = new Date(services.now().getTime() - HALF_DONE_MINUTES * 60_000).toISOString();
  for (const place of await reservedBefore(services.directory, before, AT_ONCE)) await mend(services, place, finishSignUp);
  for (const shard of services.shards.keys()) {
    for (const place of await halfOrdered(services, shard)) await mend(services, place, finishOrder);
  }
}

/** One tenant that can't be mended now keeps no other from it. */
async function mend(
  services: Services,
  place: TenantPlace,
  finish: (services: Services, place: TenantPlace) => Promise<void>,
): Promise<void> {
  try {
    await finish(services, place);
  } catch (error) {
    services.log('error', 'a tenant stays half done until the next sweep', { tenant: place.id, error: String(error) });
  }
}

async function finishSignUp(services: Services, place: TenantPlace): Promise<void> {
  const db = services.tenantDb(place.shard, place.id);
  const written = await db.first('SELECT state FROM tenants WHERE tenant_id = ?', place.id);
  await (written ? upsertActive(services.directory, place) : deleteReserved(services.directory, place.id));
}

async function finishOrder(services: Services, place: TenantPlace): Promise<void> {
  const ctx: OperatorContext = { ...services, request: null, actor: { type: 'system', name: 'Gatehouse' } };
  await applyState(ctx, place, 'The operator’s order, which had stopped half way');
}
