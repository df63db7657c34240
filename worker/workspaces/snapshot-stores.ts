import { z } from 'zod';
import { DEFAULT_IGNORE, snapshotBucket, type SnapshotBucket } from '@gatehouse/core/api/snapshots.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Context } from '../platform/context.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { bucketStore, serviceStore, type ObjectStore } from './snapshot-bucket.ts';

const row = z.object({
  id: z.string(),
  kind: z.enum(['service', 's3']),
  config: z
    .string()
    .nullable()
    .transform((text) => (text === null ? null : snapshotBucket.parse(JSON.parse(text)))),
  secret: z.string().nullable(),
  bytes: z.number(),
});
export type StoreRow = z.infer<typeof row>;

export const secretAddress = (id: string): SecretAddress => ({ table: 'snapshot_stores', column: 'secret', row: id });

/** The newest first. */
export async function listStores(db: TenantDb): Promise<StoreRow[]> {
  const rows = await db.rows(
    'SELECT id, kind, config, secret, bytes FROM snapshot_stores WHERE tenant_id = ? ORDER BY id DESC',
    db.tenantId,
  );
  return rows.map((each) => row.parse(each));
}

export async function findStore(db: TenantDb, id: string): Promise<StoreRow | undefined> {
  const found = await db.first(
    'SELECT id, kind, config, secret, bytes FROM snapshot_stores WHERE tenant_id = ? AND id = ?',
    db.tenantId,
    id,
  );
  return found === undefined ? undefined : row.parse(found);
}

export const insertStore = (
  db: TenantDb,
  made: { id: string; bucket: SnapshotBucket | null; secret: string | null; createdAt: string },
): Statement =>
  statement(
    'INSERT INTO snapshot_stores (tenant_id, id, kind, config, secret, created_at) VALUES (?, ?, ?, ?, ?, ?)',
    ...[db.tenantId, made.id, made.bucket === null ? 'service' : 's3', made.bucket && JSON.stringify(made.bucket), made.secret],
    made.createdAt,
  );

export const updateStore = (db: TenantDb, id: string, bucket: SnapshotBucket, secret: string | null): Statement =>
  statement(
    'UPDATE snapshot_stores SET config = ?3, secret = ?4 WHERE tenant_id = ?1 AND id = ?2',
    ...[db.tenantId, id, JSON.stringify(bucket), secret],
  );

type StoreContext = Pick<Context, 'db' | 'secrets' | 'settings' | 'snapshots' | 'now'>;

/** What is behind a row. @throws AppError `internal` when its secret does not open */
export async function openStore(ctx: StoreContext, store: StoreRow): Promise<ObjectStore> {
  if (store.kind === 'service') return serviceStore(ctx.snapshots);
  if (store.config === null || store.secret === null) throw new AppError('internal', 'The store of snapshots is not whole');
  const secret = await ctx.secrets.open(ctx.db, secretAddress(store.id), store.secret);
  return bucketStore(ctx.settings, store.config, secret, ctx.now);
}

/** @throws AppError `not-found` */
export async function storeNamed(ctx: StoreContext, id: string): Promise<ObjectStore> {
  const store = await findStore(ctx.db, id);
  if (store === undefined) throw new AppError('not-found', 'The store of the snapshot is not known any more');
  return openStore(ctx, store);
}

const settingsRow = z.object({
  store_id: z.string().nullable(),
  every_hours: z.number().nullable(),
  ignored: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  revision: z.number(),
});
export type SnapshotChoice = z.infer<typeof settingsRow>;

/** `revision` 0: nobody has chosen anything yet, and no snapshots are made. */
export async function choiceOf(db: TenantDb): Promise<SnapshotChoice> {
  const found = await db.first('SELECT store_id, every_hours, ignored, revision FROM snapshot_settings WHERE tenant_id = ?', db.tenantId);
  return found === undefined ? { store_id: null, every_hours: null, ignored: DEFAULT_IGNORE, revision: 0 } : settingsRow.parse(found);
}

/** Matches nothing unless the settings are still that revision. */
export const storeChoice = (db: TenantDb, choice: SnapshotChoice): Statement =>
  statement(
    `INSERT INTO snapshot_settings (tenant_id, store_id, every_hours, ignored, revision)
     SELECT ?1, ?2, ?3, ?4, 1 WHERE ?5 = 0 OR EXISTS (SELECT 1 FROM snapshot_settings WHERE tenant_id = ?1 AND revision = ?5)
     ON CONFLICT (tenant_id) DO UPDATE SET store_id = excluded.store_id, every_hours = excluded.every_hours, ignored = excluded.ignored,
       revision = snapshot_settings.revision + 1 WHERE snapshot_settings.revision = ?5`,
    ...[db.tenantId, choice.store_id, choice.every_hours, JSON.stringify(choice.ignored), choice.revision],
  );
