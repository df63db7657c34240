import type { z } from 'zod';
import type { operatorRekeyed } from '@gatehouse/core/api/deployment.ts';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { OperatorContext } from './operator.ts';

/** Data keys that one call wraps anew. */
const AT_ONCE = 100;

interface Waiting {
  tenant_id: string;
  shard: string;
  name: string;
}

/**
 * Wraps data keys by the current key-encryption key, each with its event. It may stop anywhere: what was wrapped stays so, both keys
 * open until nothing is left, and one that fails keeps no other from it.
 */
export async function rotateKeys(ctx: OperatorContext): Promise<z.infer<typeof operatorRekeyed>> {
  const failed: z.infer<typeof operatorRekeyed>['failed'] = [];
  let done = 0;
  for (const place of await waiting(ctx, AT_ONCE)) {
    try {
      if (await rotateKey(ctx, place)) done += 1;
    } catch (error) {
      ctx.log('error', 'a data key was not wrapped anew', { tenant: place.tenant_id, error: String(error) });
      failed.push({ tenant: place.tenant_id, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return { version: ctx.secrets.version, done, left: await countWaiting(ctx), failed };
}

async function rotateKey(ctx: OperatorContext, { tenant_id: id, shard, name }: Waiting): Promise<boolean> {
  const own = { ...ctx, db: ctx.tenantDb(shard, id) };
  const rewrapped = await ctx.secrets.rewrapped(own.db);
  if (rewrapped === null) return false;
  const resource = { type: 'tenant', id, name } as const;
  const details = { from: rewrapped.from, to: ctx.secrets.version };
  try {
    await commit(own, { guard: rewrapped.guard, events: [eventOf(own, { action: 'tenant.rekey', resource, status: 200, details })] });
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}

const OLD = 'FROM tenant_keys k JOIN tenants t ON t.tenant_id = k.tenant_id WHERE k.kek_version <> ?';

/** Across tenants, so without TenantDb: whose key waits is no secret of theirs. */
async function waiting({ shards, secrets }: OperatorContext, limit: number): Promise<Waiting[]> {
  const each = [...shards].map(async ([shard, d1]) => {
    const sql = `SELECT k.tenant_id, t.name ${OLD} ORDER BY k.tenant_id LIMIT ?`;
    const { results } = await d1.prepare(sql).bind(secrets.version, limit).all<Omit<Waiting, 'shard'>>();
    return results.map((row) => ({ ...row, shard }));
  });
  return (await Promise.all(each)).flat().slice(0, limit);
}

async function countWaiting({ shards, secrets }: OperatorContext): Promise<number> {
  const each = [...shards.values()].map(async (d1) => {
    const row = await d1.prepare(`SELECT count(*) AS found ${OLD}`).bind(secrets.version).first<{ found: number }>();
    return row?.found ?? 0;
  });
  return (await Promise.all(each)).reduce((sum, found) => sum + found, 0);
}
