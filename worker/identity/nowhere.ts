import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';

/**
 * The rows of no tenant, in the first shard. Who asks for an unknown organisation costs the same queries as
 * everybody; and challenges lie here that are given before anybody knows whose they are.
 */
export const nowhere = (services: Pick<Services, 'shards' | 'tenantDb'>): TenantDb =>
  services.tenantDb([...services.shards.keys()][0] ?? '', 'tnt_none');
