import { AppError } from '@gatehouse/core/errors.ts';
import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { PLACE } from './addresses.ts';

/** A provider of an organisation, as an address names it. */
export interface Placed {
  db: TenantDb;
  providerId: string;
}

/** @throws AppError `not-found` */
export function placed(services: Pick<Services, 'shards' | 'tenantDb'>, place: string): Placed {
  const [, shard, tenantId, providerId] = PLACE.exec(place) ?? [];
  if (shard === undefined || tenantId === undefined || providerId === undefined || !services.shards.has(shard))
    throw new AppError('not-found', 'There is no such address in the API');
  return { db: services.tenantDb(shard, tenantId), providerId };
}
