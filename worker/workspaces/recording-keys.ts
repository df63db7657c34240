import { z } from 'zod';
import { KEY_KINDS } from '@gatehouse/core/api/recordings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { KeyPair } from '@gatehouse/core/protocol/noise-state.ts';
import {
  importRecordingKey,
  makeRecordingKey,
  recordingPrivateKey,
  type RecordingKey,
  type RecordingPrivateKey,
} from '@gatehouse/core/protocol/recording.ts';
import type { Context } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const keyRow = z.object({
  id: z.string(),
  kind: z.enum(KEY_KINDS),
  public_key: z.string(),
  private_key: z.string().nullable(),
  created_at: z.string(),
});
export type RecordingKeyRow = z.infer<typeof keyRow>;

const SELECT = 'SELECT id, kind, public_key, private_key, created_at FROM recording_keys WHERE tenant_id = ?';

/** The key that is recorded to now. */
export async function currentRecordingKey(db: TenantDb): Promise<RecordingKeyRow | undefined> {
  const row = await db.first(`${SELECT} ORDER BY id DESC LIMIT 1`, db.tenantId);
  return row === undefined ? undefined : keyRow.parse(row);
}

export async function findRecordingKey(db: TenantDb, id: string): Promise<RecordingKeyRow | undefined> {
  const row = await db.first(`${SELECT} AND id = ?`, db.tenantId, id);
  return row === undefined ? undefined : keyRow.parse(row);
}

type KeyContext = Pick<Context, 'db' | 'secrets' | 'newId' | 'now'>;
const addressOf = (id: string) => ({ table: 'recording_keys', column: 'private_key', row: id });

/** A key that the service manages: its private half is sealed under the organisation's data key. */
export async function newManagedKey(ctx: KeyContext, unlessThereIsOne: boolean): Promise<Statement> {
  const id = ctx.newId('recordingKey');
  const key = await makeRecordingKey();
  const sealed = await ctx.secrets.seal(ctx.db, addressOf(id), JSON.stringify(key));
  return statement(
    `INSERT INTO recording_keys (tenant_id, id, kind, public_key, private_key, created_at)
     SELECT ?1, ?2, 'managed', ?3, ?4, ?5 WHERE ?6 = 0 OR NOT EXISTS (SELECT 1 FROM recording_keys WHERE tenant_id = ?1)`,
    ...[ctx.db.tenantId, id, key.x, sealed, ctx.now().toISOString(), unlessThereIsOne ? 1 : 0],
  );
}

/** A key whose private half only the organisation has. */
export const newHeldKey = (ctx: KeyContext, publicKey: string): Statement =>
  statement(
    `INSERT INTO recording_keys (tenant_id, id, kind, public_key, private_key, created_at) VALUES (?, ?, 'held', ?, NULL, ?)`,
    ...[ctx.db.tenantId, ctx.newId('recordingKey'), publicKey, ctx.now().toISOString()],
  );

/** What terminals are to be recorded to: a managed key, where nobody has chosen another. */
export async function ensureRecordingKey(ctx: KeyContext): Promise<RecordingKey> {
  const found = await currentRecordingKey(ctx.db);
  if (found !== undefined) return { id: found.id, publicKey: found.public_key };
  await ctx.db.batch([await newManagedKey(ctx, true)]);
  return ensureRecordingKey(ctx);
}

/** The pair of a managed key. @throws AppError `internal` when it does not open */
export async function openManagedKey(ctx: Pick<Context, 'db' | 'secrets'>, row: RecordingKeyRow): Promise<KeyPair> {
  if (row.private_key === null) throw new AppError('internal', 'The service does not hold this key');
  const text = await ctx.secrets.open(ctx.db, addressOf(row.id), row.private_key);
  const key: RecordingPrivateKey = recordingPrivateKey.parse(JSON.parse(text));
  return importRecordingKey(key);
}
