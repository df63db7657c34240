import { z } from 'zod';
import type { RunnerReport } from '@gatehouse/core/access/enforcement.ts';
import type { UserContext } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';

const row = z.object({
  name: z.string(),
  enforces: z
    .string()
    .nullable()
    .transform((text) => (text === null ? null : z.array(z.string()).parse(JSON.parse(text)))),
});

/** What each confirmed runner says that it enforces. */
export async function readRunnerReports(db: TenantDb): Promise<RunnerReport[]> {
  const rows = await db.rows(
    'SELECT name, enforces FROM runners WHERE tenant_id = ? AND confirmed_at IS NOT NULL AND deleted_at IS NULL AND revoked_at IS NULL ORDER BY name',
    db.tenantId,
  );
  return rows.map((each) => row.parse(each));
}

/** Sends every connected runner its orders again, and with them the policy that it enforces. */
export async function refreshRunners({ db, workspaces }: Pick<UserContext, 'db' | 'workspaces'>): Promise<void> {
  const online = await db.rows<{ id: string }>(
    'SELECT id FROM runners WHERE tenant_id = ? AND online = 1 AND confirmed_at IS NOT NULL AND deleted_at IS NULL',
    db.tenantId,
  );
  await Promise.all(online.map(({ id }) => workspaces.refreshRunner(db.shard, id)));
}
