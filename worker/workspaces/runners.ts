import type { z } from 'zod';
import { QUOTAS, quotaWords } from '@gatehouse/core/api/directory.ts';
import type { enrollment, enrollmentCreate, enrollmentCreated, Runner, runnerEnroll, runnerEnrolled } from '@gatehouse/core/api/runners.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, record, require, requireVerifiedEmail } from '../platform/commit.ts';
import type { Context, RequestFacts, RunnerActor, Services, UserContext } from '../platform/context.ts';
import { mintCredential, parseCredential } from '../platform/credential.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import { grantKeys, runnerFingerprint } from './runner-keys.ts';
import { findRemovedRunner, findRunner, findRunnerByToken, findRunners, presentRunner, type RunnerRow } from './runners.store.ts';

const ENROLLMENT_MINUTES = 15;
const minutesLater = (now: Date, minutes: number) => new Date(now.getTime() + minutes * 60_000).toISOString();
export const resourceOf = (runner: { id: string; name: string }) => ({ type: 'runner' as const, id: runner.id, name: runner.name });

export async function listRunners(ctx: UserContext, page: { limit: number; after: string | null }): Promise<RunnerRow[]> {
  await require(ctx, 'runner:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /runners' } });
  return findRunners(ctx.db, page);
}

/** A one-time code for one runner. Only its hash is kept. */
export async function createEnrollment(
  ctx: UserContext,
  input: z.infer<typeof enrollmentCreate>,
): Promise<z.infer<typeof enrollmentCreated>> {
  const facts = {
    action: 'runner.enrollment.create' as const,
    resource: { type: 'runner' as const, id: null, name: input.name ?? 'a new runner' },
  };
  await require(ctx, 'runner:manage', facts);
  if (ctx.actor.type === 'user') await requireVerifiedEmail(ctx, facts);
  const code = await mintCredential('enrollment', ctx.db, ctx.random);
  const id = ctx.newId('enrollment');
  const expiresAt = minutesLater(ctx.now(), ENROLLMENT_MINUTES);
  const guard = statement(
    `INSERT INTO runner_enrollments (tenant_id, id, code_hash, name, created_by, expires_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM runners WHERE tenant_id = ?1 AND deleted_at IS NULL) < ?7`,
    ctx.db.tenantId,
    id,
    code.hash,
    input.name ?? null,
    ctx.actor.id,
    expiresAt,
    QUOTAS.runners,
  );
  const clean = statement(
    'DELETE FROM runner_enrollments WHERE tenant_id = ? AND expires_at < ?',
    ctx.db.tenantId,
    minutesLater(ctx.now(), -24 * 60),
  );
  const event = eventOf(ctx, { ...facts, status: 201, details: { enrollment: id, expiresAt } });
  await onGuard(
    commit(ctx, { guard, changes: [clean], events: [event] }),
    () => new AppError('quota-exceeded', `An organisation has ${quotaWords('runners')}`),
  );
  const command = `npm run runner -- enroll --url ${ctx.settings.ORIGIN} --code ${code.text}`;
  return { id, code: code.text, command, expiresAt };
}

export async function readEnrollment(ctx: UserContext, id: string): Promise<z.infer<typeof enrollment>> {
  await require(ctx, 'runner:manage', { action: 'runner.enrollment.create', resource: { type: 'runner', id: null, name: 'a runner' } });
  const row = await ctx.db.first<{ id: string; expires_at: string; runner_id: string | null }>(
    'SELECT id, expires_at, runner_id FROM runner_enrollments WHERE tenant_id = ? AND id = ?',
    ctx.db.tenantId,
    id,
  );
  if (!row) throw new AppError('not-found', 'There is no such enrolment');
  const runner = row.runner_id === null ? undefined : await findRunner(ctx.db, row.runner_id);
  return { id: row.id, expiresAt: row.expires_at, runner: runner ? presentRunner(runner) : null };
}

/** A runner trades its code for a token. The keys it made stay with it; only their public halves come. */
export async function enrollRunner(
  services: Services,
  request: RequestFacts,
  input: z.infer<typeof runnerEnroll>,
): Promise<z.infer<typeof runnerEnrolled>> {
  const credential = await parseCredential('enrollment', input.code);
  if (!credential) throw refusedCode();
  const db = services.tenantDb(credential.shard, credential.tenantId);
  const runnerId = services.newId('runner');
  const token = await mintCredential('runner', db, services.random);
  const now = services.now().toISOString();
  const fingerprint = runnerFingerprint(input.identityKey, input.agreementKey);
  const tenant = await db.first<{ name: string; slug: string }>(
    "SELECT name, slug FROM tenants WHERE tenant_id = ? AND state = 'active'",
    db.tenantId,
  );
  if (!tenant) throw refusedCode();
  const ctx = { ...services, db, request, actor: { type: 'runner' as const, id: runnerId, name: input.name } };
  const guard = statement(
    'UPDATE runner_enrollments SET runner_id = ?3 WHERE tenant_id = ?1 AND code_hash = ?2 AND runner_id IS NULL AND expires_at > ?4',
    db.tenantId,
    credential.hash,
    runnerId,
    now,
  );
  const insert = statement(
    `INSERT INTO runners (tenant_id, id, name, token_hash, identity_key, agreement_key, fingerprint, version, platform, labels, drivers, warnings, online, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', '[]', '[]', 0, ?)`,
    db.tenantId,
    runnerId,
    input.name,
    token.hash,
    input.identityKey,
    input.agreementKey,
    fingerprint,
    input.version,
    input.platform,
    now,
  );
  const event = eventOf(ctx, {
    action: 'runner.enroll',
    resource: resourceOf({ id: runnerId, name: input.name }),
    status: 201,
    details: { fingerprint },
  });
  try {
    await onUnique(
      onGuard(commit(ctx, { guard, changes: [insert], events: [event] }), refusedCode),
      'runners.tenant_id, runners.name',
      () =>
        new AppError('conflict', `There is a runner ${input.name} already. Choose another name with --name.`, {
          errors: [{ path: 'name', message: 'is taken' }],
        }),
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'ticket-refused') {
      const resource = { type: 'runner' as const, id: null, name: input.name };
      await record(
        { ...ctx, actor: { type: 'anonymous', name: input.name } },
        { action: 'runner.enroll', resource, outcome: 'denied', status: 403, reason: error.message },
      );
    }
    throw error;
  }
  return {
    runnerId,
    tenant: { id: db.tenantId, ...tenant },
    token: token.text,
    fingerprint,
    issuer: services.settings.ORIGIN,
    keys: grantKeys(services),
  };
}

const refusedCode = () =>
  new AppError('ticket-refused', 'The enrolment code is wrong, was used, or is older than 15 minutes. Make a new one on the Runners page.');

/** An administrator says that the runner's console shows this very fingerprint. Until then it gets no work. */
export async function confirmRunner(ctx: UserContext, id: string, fingerprint: string): Promise<Runner> {
  const runner = await existing(ctx, id);
  await require(ctx, 'runner:manage', { action: 'runner.confirm', resource: resourceOf(runner) });
  const facts = { action: 'runner.confirm' as const, resource: resourceOf(runner), details: { fingerprint: runner.fingerprint } };
  if (fingerprint !== runner.fingerprint) {
    await record(ctx, { ...facts, outcome: 'failure', status: 422, reason: 'The fingerprint is not that of this runner' });
    throw new AppError('invalid', 'The fingerprint is not that of this runner', {
      errors: [{ path: 'fingerprint', message: 'is not that of this runner' }],
    });
  }
  if (runner.confirmed_at !== null) return presentRunner(runner);
  const guard = statement(
    'UPDATE runners SET confirmed_at = ?3 WHERE tenant_id = ?1 AND id = ?2 AND confirmed_at IS NULL AND deleted_at IS NULL AND revoked_at IS NULL',
    ctx.db.tenantId,
    id,
    ctx.now().toISOString(),
  );
  await onGuard(
    commit(ctx, { guard, events: [eventOf(ctx, { ...facts, status: 200 })] }),
    () => new AppError('conflict', 'The runner was confirmed or removed in the meantime'),
  );
  ctx.defer(ctx.workspaces.refreshRunner(ctx.db.shard, id));
  return presentRunner(await existing(ctx, id));
}

/** A runner that the caller is about to change. @throws AppError `not-found`, `permission-denied` */
export async function manageable(ctx: UserContext, id: string, action: AuditAction): Promise<RunnerRow> {
  const runner = await existing(ctx, id);
  await require(ctx, 'runner:manage', { action, resource: resourceOf(runner) });
  return runner;
}

async function existing(ctx: Context, id: string): Promise<RunnerRow> {
  const runner = await findRunner(ctx.db, id);
  if (!runner) throw new AppError('not-found', 'There is no such runner');
  return runner;
}

export interface RunnerContext extends Context {
  actor: RunnerActor;
  identityKey: string;
  confirmed: boolean;
}

/** The runner that holds the bearer token. @throws AppError `not-signed-in` */
export async function authenticateRunner(
  services: Services,
  request: RequestFacts,
  authorization: string | undefined,
): Promise<RunnerContext> {
  const refused = new AppError('not-signed-in', 'The runner’s token is not valid. Was the runner removed?');
  const credential = authorization?.startsWith('Bearer ') ? await parseCredential('runner', authorization.slice('Bearer '.length)) : null;
  if (!credential) throw refused;
  const db = services.tenantDb(credential.shard, credential.tenantId);
  const row = await findRunnerByToken(db, credential.hash);
  if (!row) {
    await tellOfRemoved(services, request, db, credential.hash);
    throw refused;
  }
  return {
    ...services,
    db,
    request,
    actor: { type: 'runner', id: row.id, name: row.name },
    tenant: { id: db.tenantId, slug: row.slug, name: row.tenant_name, region: row.region, createdAt: row.tenant_created_at },
    identityKey: row.identity_key,
    confirmed: row.confirmed_at !== null,
  };
}

/** A removed runner goes on dialling: the first attempt of an hour is an event, the others say nothing new. */
const TOLD = { limit: 1, windowSeconds: 3600 };

async function tellOfRemoved(services: Services, request: RequestFacts, db: TenantDb, tokenHash: string): Promise<void> {
  const runner = await findRemovedRunner(db, tokenHash);
  if (!runner || (await services.throttle.begin(`removed runner ${runner.id}`, TOLD)) > 0) return;
  const ctx = { ...services, request, db, actor: { type: 'runner' as const, id: runner.id, name: runner.name } };
  await record(ctx, {
    action: 'runner.connect',
    resource: resourceOf(runner),
    outcome: 'denied',
    status: 401,
    reason: runner.removed === 1 ? 'The runner was removed' : 'The runner was revoked',
  });
}
