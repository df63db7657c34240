import { createHash } from 'node:crypto';
import { AppError } from '@gatehouse/core/errors.ts';
import { onUnique } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { insertReserved, placeBySlug, upsertActive, type TenantPlace } from './tenants.store.ts';

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

/** @throws AppError `conflict` naming `tenant.slug` */
export async function reservePlace({ directory }: Pick<Services, 'directory'>, place: TenantPlace): Promise<void> {
  await onUnique(
    insertReserved(directory, place),
    'tenants.slug',
    () => new AppError('conflict', `The name ${place.slug} is taken`, { errors: [{ path: 'tenant.slug', message: 'is taken' }] }),
  );
}

/** From now on people can sign in to it by its slug. */
export const activatePlace = ({ directory }: Pick<Services, 'directory'>, place: TenantPlace): Promise<void> =>
  upsertActive(directory, place);

/** null for a slug that nobody has, or whose sign-up is not through */
export const findPlace = ({ directory }: Pick<Services, 'directory'>, slug: string): Promise<TenantPlace | null> =>
  placeBySlug(directory, slug);
