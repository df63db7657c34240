import type { Services } from '../platform/context.ts';
import { applyState, type OperatorContext } from './operator.ts';
import { halfDonePlaces, settlePlace } from './places.ts';
import { halfOrdered, type TenantPlace } from './tenants.store.ts';

const AT_ONCE = 100;

/** Mends what stopped half way: sign-ups whose slug is only reserved, and orders of the operator that the shard never saw. */
export async function sweepDirectory(services: Services): Promise<void> {
  for (const place of await halfDonePlaces(services, AT_ONCE)) await mend(services, place, settlePlace);
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

async function finishOrder(services: Services, place: TenantPlace): Promise<void> {
  const ctx: OperatorContext = { ...services, request: null, actor: { type: 'system', name: 'Gatehouse' } };
  await applyState(ctx, place, 'The operator’s order, which had stopped half way');
}
