import { createHash } from 'node:crypto';
import { AppError } from '@gatehouse/core/errors.ts';
import { onUnique } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import {
  deleteReserved,
  insertReserved,
  placeBySlug,
  reservedBefore,
  reservedSlug,
  upsertActive,
  type TenantPlace,
} from './tenants.store.ts';

export type { TenantPlace } from './tenants.store.ts';

/**
 * Chooses the shard of a new tenant: one of its region, for good. Several of a region fill evenly.
 * @throws AppError `invalid` naming `tenant.region`
 */
export function shardFor({ settings, shards }: Pick<Services, 'settings' | 'shards'>, region: string, tenantId: string): string {
  const fitting = settings.SHARD_REGIONS.split(',')
    .map((pair) => pair.split('='))
    .flatMap(([shard, of]) => (shard !== undefined && of === region && shards.has(shard) ? [shard] : []));
  const chosen = fitting[createHash('sha256').update(tenantId).digest().readUInt32BE() % fitting.length];
  if (chosen !== undefined) return chosen;
  throw new AppError('invalid', 'This deployment keeps no data in that region', {
    errors: [{ path: 'tenant.region', message: 'is not offered by this deployment' }],
  });
}

/** Older than any sign-up that is still under way: a batch of D1 ends within 30 s, a hash within a few. */
const HALF_DONE_SECONDS = 60;
const halfDoneBefore = ({ now }: Pick<Services, 'now'>) => new Date(now().getTime() - HALF_DONE_SECONDS * 1000).toISOString();

/**
 * Takes the slug, also from a sign-up that was cut short: whoever tries again need not wait for the sweep.
 * @throws AppError `conflict` naming `tenant.slug`
 */
export async function reservePlace(services: Services, place: TenantPlace): Promise<void> {
  const { directory } = services;
  const half = await reservedSlug(directory, place.slug, halfDoneBefore(services));
  if (half) await settlePlace(services, half);
  await onUnique(
    insertReserved(directory, place),
    'tenants.slug',
    () => new AppError('conflict', `The name ${place.slug} is taken`, { errors: [{ path: 'tenant.slug', message: 'is taken' }] }),
  );
}

/** Sign-ups that stopped half way. */
export const halfDonePlaces = (services: Services, limit: number): Promise<TenantPlace[]> =>
  reservedBefore(services.directory, halfDoneBefore(services), limit);

/** Ends a sign-up that stopped half way: the organisation stands if its shard has it, else its name is free again. */
export async function settlePlace(services: Services, place: TenantPlace): Promise<void> {
  const db = services.tenantDb(place.shard, place.id);
  const written = await db.first('SELECT state FROM tenants WHERE tenant_id = ?', place.id);
  await (written ? upsertActive(services.directory, place) : deleteReserved(services.directory, place.id));
}

/** From now on people can sign in to it by its slug. */
export const activatePlace = ({ directory }: Pick<Services, 'directory'>, place: TenantPlace): Promise<void> =>
  upsertActive(directory, place);

/** null for a slug that nobody has, or whose sign-up is not through */
export const findPlace = ({ directory }: Pick<Services, 'directory'>, slug: string): Promise<TenantPlace | null> =>
  placeBySlug(directory, slug);
