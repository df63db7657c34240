import { agreementKeyOf } from '@gatehouse/core/protocol/runner-keys.ts';
import { sealTo } from '@gatehouse/core/protocol/sealed-box.ts';
import { KEY_BYTES, type SnapshotOrder } from '@gatehouse/core/protocol/snapshot.ts';
import { base64url, fromBase64url } from '../platform/encoding.ts';
import type { Context } from '../platform/context.ts';
import { choiceOf } from './snapshot-stores.ts';
import { findHomes, insertHome, keyAddress } from './snapshots.store.ts';

interface Ordered {
  id: string;
  agreement_key: string;
}
type OrderContext = Pick<Context, 'db' | 'secrets'>;

/**
 * What is wanted of the snapshots of these workspaces, by their ids. A workspace gets its key with the first order after the
 * organisation has said where snapshots go. Nothing for those that have none and need none.
 */
export async function snapshotOrders(
  ctx: OrderContext,
  runnerId: string,
  workspaces: readonly Ordered[],
): Promise<Map<string, SnapshotOrder>> {
  if (workspaces.length === 0) return new Map();
  const ids = workspaces.map(({ id }) => id);
  const [choice, known] = await Promise.all([choiceOf(ctx.db), findHomes(ctx.db, ids)]);
  const isOn = choice.store_id !== null;
  const isNew = isOn && ids.some((id) => !known.has(id));
  if (isNew)
    await makeKeys(
      ctx,
      ids.filter((id) => !known.has(id)),
    );
  const homes = isNew ? await findHomes(ctx.db, ids) : known;
  const wanted = workspaces.filter(({ id }) => homes.has(id) && (isOn || homes.get(id)?.restore_id !== null));
  const keys = await ctx.secrets.openAll(
    ctx.db,
    wanted.map(({ id }) => ({ address: keyAddress(id), sealed: homes.get(id)?.key ?? '' })),
  );
  const orders = wanted.map(async ({ id, agreement_key: agreementKey }, index): Promise<[string, SnapshotOrder]> => {
    const home = homes.get(id);
    const sealing = { purpose: 'snapshot-key', about: [runnerId, id] } as const;
    return [
      id,
      {
        key: await sealTo(agreementKeyOf({ identityKey: '', agreementKey }), sealing, fromBase64url(keys[index] ?? '')),
        automatic: isOn,
        everyHours: choice.every_hours,
        ignore: choice.ignored,
        asked: home?.asked ?? null,
        restore: home?.restore_id && home.restore_generation ? { id: home.restore_id, number: home.restore_generation } : null,
      },
    ];
  });
  return new Map(await Promise.all(orders));
}

/** The service makes the keys: whichever runner a workspace goes to, it can be given its key there. */
async function makeKeys(ctx: OrderContext, workspaceIds: readonly string[]): Promise<void> {
  const made = await Promise.all(
    workspaceIds.map(async (id) => {
      const key = base64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
      return insertHome(ctx.db, id, await ctx.secrets.seal(ctx.db, keyAddress(id), key));
    }),
  );
  await ctx.db.batch(made);
}
