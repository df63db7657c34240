import type { z } from 'zod';
import type { runnerKeysChanged } from '@gatehouse/core/api/runner-capacity.ts';
import { rotationText, toldRotation, type RunnerRotation, type ToldRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import { runnerFingerprint, signedBy } from './runner-keys.ts';
import { resourceOf, type RunnerContext } from './runners.ts';
import { findRunner } from './runners.store.ts';

/** Changes that a browser is told of, the newest: one that was away for longer compares the fingerprint again. */
const TOLD = 50;
/** A runner's changes of its keys, repetitions included. */
const RULE = { limit: 30, windowSeconds: 3600 };

/**
 * The runner that asks has other keys from now on, which both the old and the new ones have signed. Said again, it answers the same
 * and changes nothing: a runner that did not hear the answer repeats it.
 * @throws AppError `invalid` for a signature that is wrong; `conflict` where the old keys are not those in use; `rate-limited`
 */
export async function rotateKeys(ctx: RunnerContext, rotation: RunnerRotation): Promise<z.infer<typeof runnerKeysChanged>> {
  const wait = await ctx.throttle.begin(`runner keys:${ctx.actor.id}`, RULE);
  if (wait > 0) throw new AppError('rate-limited', 'This runner changed its keys too often', { retryAfter: wait });
  const { old, next, oldSignature, newSignature } = rotation;
  const { tenantId } = ctx.db;
  const runner = await findRunner(ctx.db, ctx.actor.id);
  if (!runner) throw new AppError('not-found', 'There is no such runner');
  const text = rotationText(runner.id, old, next);
  for (const [path, key, signature] of [
    ['oldSignature', old.identityKey, oldSignature],
    ['newSignature', next.identityKey, newSignature],
  ] as const)
    if (!signedBy(key, text, signature))
      throw new AppError('invalid', 'A signature is wrong', { errors: [{ path, message: 'is not by that key' }] });
  const fingerprint = runnerFingerprint(next.identityKey, next.agreementKey);
  if (runner.identity_key === next.identityKey && runner.agreement_key === next.agreementKey) return { fingerprint };
  const now = ctx.now().toISOString();
  const guard = statement(
    `UPDATE runners SET identity_key = ?3, agreement_key = ?4, fingerprint = ?5, keys_since = ?6
     WHERE tenant_id = ?1 AND id = ?2 AND identity_key = ?7 AND agreement_key = ?8 AND deleted_at IS NULL AND revoked_at IS NULL`,
    ...[tenantId, runner.id, next.identityKey, next.agreementKey, fingerprint, now, old.identityKey, old.agreementKey],
  );
  const remember = statement(
    `INSERT INTO runner_rotations
       (tenant_id, runner_id, number, old_identity_key, old_agreement_key, identity_key, agreement_key, old_signature, new_signature, created_at)
     SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM runner_rotations WHERE tenant_id = ?1 AND runner_id = ?2`,
    ...[tenantId, runner.id, old.identityKey, old.agreementKey, next.identityKey, next.agreementKey, oldSignature, newSignature, now],
  );
  const event = eventOf(ctx, {
    ...{ action: 'runner.rotate_key', resource: resourceOf(runner), status: 200 },
    diff: [{ path: 'fingerprint', old: runner.fingerprint, new: fingerprint, secret: false }],
  });
  await onGuard(
    commit(ctx, { guard, changes: [remember], events: [event] }),
    () => new AppError('conflict', 'The keys that sign this are not those that the runner has here'),
  );
  // What is sealed to it from now on is sealed to the new key.
  ctx.defer(ctx.workspaces.refreshRunner(ctx.db.shard, runner.id));
  return { fingerprint };
}

/** The signed changes of a runner's keys, for browsers that remember earlier ones. */
export async function findRotations(db: TenantDb, runnerId: string): Promise<ToldRotation[]> {
  const rows = await db.rows<Record<string, string>>(
    `SELECT old_identity_key, old_agreement_key, identity_key, agreement_key, old_signature FROM runner_rotations
     WHERE tenant_id = ? AND runner_id = ? ORDER BY number DESC LIMIT ?`,
    ...[db.tenantId, runnerId, TOLD],
  );
  return rows.map((row) =>
    toldRotation.parse({
      old: { identityKey: row['old_identity_key'], agreementKey: row['old_agreement_key'] },
      next: { identityKey: row['identity_key'], agreementKey: row['agreement_key'] },
      oldSignature: row['old_signature'],
    }),
  );
}
