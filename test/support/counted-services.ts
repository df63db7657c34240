import { shardNamed } from '../../worker/compose.ts';
import type { Services } from '../../worker/platform/context.ts';
import { TenantDb } from '../../worker/platform/tenant-db.ts';
import { services } from './tenants.ts';
import { watchedD1 } from './watched-d1.ts';

/** What work cost of D1. */
export interface Spent {
  trips: number;
  rowsRead: number;
}

/** Services that count what they cost of D1. What comes after an answer does not run: nobody waited for it. */
export function countedServices(): { services: Services; count(work: () => Promise<unknown>): Promise<Spent> } {
  const spent: Spent = { trips: 0, rowsRead: 0 };
  const counted = (d1: D1Database) =>
    watchedD1(
      d1,
      () => void spent.trips++,
      (told) => told.forEach(({ rows_read }) => (spent.rowsRead += rows_read)),
    );
  const real = services();
  const shards = new Map([...real.shards].map(([name, d1]) => [name, counted(d1)]));
  const directory = counted(real.directory);
  return {
    services: {
      ...{ ...real, shards, directory },
      tenantDb: (shard, id) => new TenantDb(shardNamed(shards, shard), shard, id),
      systemDb: new TenantDb(directory, real.systemDb.shard, real.systemDb.tenantId),
      revocation: { ...real.revocation, run: async () => undefined },
    },
    count: async (work) => {
      Object.assign(spent, { trips: 0, rowsRead: 0 });
      await work();
      return { ...spent };
    },
  };
}
