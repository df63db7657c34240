import type { z } from 'zod';
import {
  MOST_SERVICE_BYTES,
  type SnapshotBucket,
  type SnapshotSettings,
  type snapshotSettingsPut,
  type snapshotStoreTested,
} from '@gatehouse/core/api/snapshots.ts';
import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { refreshRunners } from '../access/policy-runners.ts';
import { refusalOf } from '../audit/destination-url.ts';
import { commit, eventOf, onGuard, require, requireSession } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import type { Statement } from '../platform/tenant-db.ts';
import * as stores from './snapshot-stores.ts';

const factsOf = (ctx: Context) => ({
  action: 'snapshot.settings' as const,
  resource: { type: 'tenant' as const, id: ctx.db.tenantId, name: ctx.tenant.name },
});

export async function readSnapshotSettings(ctx: Context): Promise<{ shown: SnapshotSettings; revision: number }> {
  const user = await require(ctx, 'tenant:update', factsOf(ctx));
  const [choice, all] = await Promise.all([stores.choiceOf(user.db), stores.listStores(user.db)]);
  const current = all.find(({ id }) => id === choice.store_id);
  const bytesOf = (kind: 'service' | 's3') => all.filter((each) => each.kind === kind).reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    shown: {
      ...{ store: current?.kind ?? 'off', bucket: current?.config ?? null, everyHours: choice.every_hours, ignore: choice.ignored },
      ...{ serviceBytes: bytesOf('service'), serviceMost: MOST_SERVICE_BYTES, bucketBytes: bytesOf('s3') },
    },
    revision: choice.revision,
  };
}

/**
 * Whoever chooses the store decides who holds the homes of everybody, so it needs a fresh sign-in. Snapshots that are made stay
 * where they are.
 * @throws AppError `invalid`, `stale-version`, `step-up-required`
 */
export async function changeSnapshotSettings(
  ctx: UserContext,
  revision: number,
  input: z.infer<typeof snapshotSettingsPut>,
): Promise<{ shown: SnapshotSettings; revision: number }> {
  const facts = factsOf(ctx);
  await requireSession(ctx, facts);
  const user = await require(ctx, 'tenant:update', facts);
  await requireFresh(user, facts);
  const { shown: before } = await readSnapshotSettings(user);
  const { storeId, changes } = await placeFor(user, input);
  const choice = { store_id: storeId, every_hours: input.everyHours, ignored: input.ignore, revision };
  const event = eventOf(user, { ...facts, status: 200, diff: diffOf(before, input) });
  await onGuard(
    commit(user, { guard: stores.storeChoice(user.db, choice), changes, events: [event] }),
    () => new AppError('stale-version', 'Somebody changed this in the meantime. Load it again and repeat your change.'),
  );
  user.defer(refreshRunners(user));
  return readSnapshotSettings(user);
}

/** The store that is meant: one that is known already, or a new one. A secret goes only to the place that it was given for. */
async function placeFor(
  ctx: UserContext,
  { store, bucket, secret }: z.infer<typeof snapshotSettingsPut>,
): Promise<{ storeId: string | null; changes: Statement[] }> {
  if (store === 'off') return { storeId: null, changes: [] };
  if (store === 's3' && bucket === null) throw fault('bucket', 'is needed');
  const wanted = store === 's3' ? bucket : null;
  const refusal = wanted === null ? null : refusalOf(wanted.url, ctx.settings);
  if (refusal !== null) throw fault('bucket.url', refusal);
  const known = (await stores.listStores(ctx.db)).find((each) => each.kind === store && isSamePlace(each.config, wanted));
  if (wanted !== null && secret === undefined && known === undefined) throw fault('secret', 'is needed');
  const id = known?.id ?? ctx.newId('snapshotStore');
  const sealed = secret === undefined ? null : await ctx.secrets.seal(ctx.db, stores.secretAddress(id), secret);
  const createdAt = ctx.now().toISOString();
  if (known === undefined) return { storeId: id, changes: [stores.insertStore(ctx.db, { id, bucket: wanted, secret: sealed, createdAt })] };
  return { storeId: id, changes: wanted === null ? [] : [stores.updateStore(ctx.db, id, wanted, sealed ?? known.secret)] };
}

const isSamePlace = (known: SnapshotBucket | null, wanted: SnapshotBucket | null): boolean =>
  known?.url === wanted?.url && known?.bucket === wanted?.bucket && known?.prefix === wanted?.prefix;

function diffOf(before: SnapshotSettings, after: z.infer<typeof snapshotSettingsPut>): AuditChange[] {
  const fields = (each: Pick<SnapshotSettings, 'store' | 'bucket' | 'everyHours' | 'ignore'>) => ({
    ...{ store: each.store, everyHours: each.everyHours, ignore: each.ignore.join('\n') },
    ...Object.fromEntries(
      (['url', 'region', 'bucket', 'prefix', 'accessKeyId'] as const).map((name) => [
        `bucket.${name}`,
        each.store === 's3' ? (each.bucket?.[name] ?? null) : null,
      ]),
    ),
  });
  const [old, now]: Record<string, string | number | null>[] = [fields(before), fields(after)];
  const changed = Object.keys(now ?? {}).flatMap((path) => {
    const [was, is] = [old?.[path] ?? null, now?.[path] ?? null];
    return was === is ? [] : [{ path, old: was, new: is, secret: false }];
  });
  return after.secret === undefined ? changed : [...changed, { path: 'secret', old: null, new: null, secret: true }];
}

/** Stores something where snapshots go now, reads it back and removes it. @throws AppError `not-ready` when they go nowhere */
export async function testSnapshotStore(ctx: Context): Promise<z.infer<typeof snapshotStoreTested>> {
  const facts = { ...factsOf(ctx), action: 'snapshot.test' as const };
  const user = await require(ctx, 'tenant:update', facts);
  const { store_id: id } = await stores.choiceOf(user.db);
  if (id === null) throw new AppError('not-ready', 'Snapshots are off');
  const answer = await tryOut(user, id).then(
    () => ({ ok: true, message: 'An object was stored, read and removed' }),
    (error: unknown) => ({ ok: false, message: error instanceof AppError ? error.message : 'The store does not answer' }),
  );
  const failure = answer.ok ? {} : { outcome: 'failure' as const, reason: answer.message };
  await commit(user, { events: [eventOf(user, { ...facts, status: 200, ...failure })] });
  return answer;
}

async function tryOut(ctx: UserContext, id: string): Promise<void> {
  const place = await stores.storeNamed(ctx, id);
  const [key, content] = [`${ctx.db.tenantId}/test/${ctx.newId('request')}`, 'a test of Gatehouse’s'];
  await place.put(key, new TextEncoder().encode(content));
  const read = await place.get(key);
  const isThere = read !== null && (await new Response(read).text()) === content;
  await place.remove([key]);
  if (!isThere) throw new AppError('not-ready', 'What was stored does not come back');
}

const fault = (path: string, message: string) => new AppError('invalid', `${path} ${message}`, { errors: [{ path, message }] });
