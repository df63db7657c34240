import type { AuditAction, AuditChange, DraftEvent } from '@gatehouse/core/audit/event.ts';
import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import { ownerLack } from '../directory/owners.ts';
import { commit, eventOf, type Lessening } from '../platform/commit.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { markFailed, markUsed } from './call.store.ts';
import type { Call, ScimContext } from './call.ts';
import { insertCall, trimCalls } from './provisioning.store.ts';

/** What the log says of a call besides what was asked. */
export interface Outcome {
  status: number;
  resource: { type: 'User' | 'Group'; id: string | null; name: string };
  changes: readonly AuditChange[];
  /** what an administrator should know: why something was not done */
  note?: string | null;
  error?: { scimType: string | null; detail: string };
}

/** Changes and bodies are shown to people: more than this nobody reads. */
const MAX_CHANGES = 200;
const MAX_BODY = 4_000;
const SECRET = /password|secret|token/i;

function logRows(
  { db, caller, newId, now }: ScimContext,
  call: Call,
  { status, resource, changes, note = null, error }: Outcome,
): Statement[] {
  const id = newId('provisioningCall');
  const told = {
    resource,
    changes: changes.slice(0, MAX_CHANGES),
    more: Math.max(0, changes.length - MAX_CHANGES),
    note,
    error: error ?? null,
  };
  const entry = {
    ...{ id, time: now().toISOString(), method: call.request.method, path: call.path, status },
    outcome: JSON.stringify(told),
    request: shownBody(call.body),
  };
  return [insertCall(db, caller.provider_id, entry), ...trimCalls(db, caller.provider_id, id)];
}

const shownBody = (body: unknown): string | null =>
  body === undefined ? null : JSON.stringify(body, (key, value: unknown) => (SECRET.test(key) ? '•••' : value)).slice(0, MAX_BODY);

/**
 * Writes what a call changes, its events and its line in the log in one transaction. What changes nothing leaves its line alone, and
 * that after the answer.
 */
export async function write(
  ctx: ScimContext,
  call: Call,
  change: { guard: Statement; changes: Statement[]; events: DraftEvent[]; lessens?: Lessening } | null,
  outcome: Outcome,
): Promise<void> {
  const noted = [...logRows(ctx, call, outcome), ...markUsed(ctx.db, ctx.caller, ctx.now().toISOString())];
  if (change !== null) return void (await commit(ctx, { ...change, changes: [...change.changes, ...noted] }));
  afterwards(ctx, ctx.db.batch(noted));
}

/** The line of a call that was refused or can’t be done. @param events what the trail says of it, kept with the line */
export async function writeFailure(
  ctx: ScimContext,
  call: Call,
  error: ScimError,
  resource: Outcome['resource'],
  events: DraftEvent[] = [],
): Promise<void> {
  const outcome = { status: error.status, resource, changes: [], error: { scimType: error.scimType, detail: error.message } };
  const noted = [...logRows(ctx, call, outcome), markFailed(ctx.db, ctx.caller.provider_id, error.message, ctx.now().toISOString())];
  if (events.length > 0) return void (await commit(ctx, { events, changes: noted }));
  afterwards(ctx, ctx.db.batch(noted));
}

/** The same as `write`; that an owner would be lost who must stay is told, to the directory and in the trail. @throws ScimError 409 */
export async function writeOrKeepOwner(
  ctx: ScimContext,
  call: Call,
  change: NonNullable<Parameters<typeof write>[2]>,
  outcome: Outcome,
  action: AuditAction,
): Promise<void> {
  try {
    await write(ctx, call, change, outcome);
  } catch (cause) {
    const lack = ownerLack(cause);
    if (!lack) throw cause;
    const { type, id, name } = outcome.resource;
    const error = new ScimError(409, null, `${lack.would}: in Gatehouse, ${lack.first}`);
    const resource = { type: type === 'User' ? ('user' as const) : ('group' as const), id, name };
    const event = eventOf(ctx, { action, resource, outcome: 'denied', status: 409, reason: error.message });
    await writeFailure(ctx, call, error, outcome.resource, [event]);
    throw error;
  }
}

/** Does `work`; what it refuses stands in the log. @throws ScimError */
export async function orFailure<T>(ctx: ScimContext, call: Call, resource: Outcome['resource'], work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    if (error instanceof ScimError) await writeFailure(ctx, call, error, resource);
    throw error;
  }
}

const afterwards = ({ defer, log }: ScimContext, work: Promise<unknown>): void =>
  defer(work.catch((error: unknown) => log('warn', 'a call of a directory is missing in its log', { error: String(error) })));
