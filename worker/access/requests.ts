import type { z } from 'zod';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import type { AccessRequest, Notices, requestCreate, requestDecision } from '@gatehouse/core/api/access.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, refuse, type EventFacts, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { countAttempt } from '../platform/throttle.ts';
import { hasWorkspaceFrom } from './explain.store.ts';
import * as store from './requests.store.ts';
import { accessTo, findTemplateAccess } from './template-access.ts';

/** Each request sends mails to others. */
const ASK_RULE = { limit: 20, windowSeconds: 3600 };
/** Administrators who get a mail; the others see the request on their page. */
const TOLD = 10;
const HOUR_MS = 3_600_000;

export function present(ctx: UserContext, row: store.RequestRow): AccessRequest {
  const mine = row.user_id === ctx.actor.id;
  return {
    id: row.id,
    template: { id: row.template_id, name: row.template_name },
    user: { id: row.user_id, name: row.user_name },
    hours: row.hours,
    reason: row.reason,
    state: row.state,
    createdAt: row.created_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    note: row.note,
    expiresAt: row.expires_at,
    inForce: row.in_force === 1,
    mine,
    mayDecide: row.state === 'open' && row.administered === 1 && !mine,
  };
}

/** The caller's own, or those on templates that they administer. Newest first. */
export async function listRequests(
  ctx: UserContext,
  filter: store.RequestFilter,
  page: { limit: number; after: string | null },
): Promise<store.RequestRow[]> {
  await requireSession(ctx, OWN);
  return store.findRequests(ctx, filter, page);
}

/** @throws AppError `not-found` also for one that is not the caller's to see */
export async function readRequest(ctx: UserContext, id: string): Promise<store.RequestRow> {
  await requireSession(ctx, OWN);
  const row = await store.findRequest(ctx, id);
  if (!row) throw new AppError('not-found', 'There is no such request');
  return row;
}

/** Asking and deciding is for people, and no token does it for them. */
const OWN = { action: 'request.denied', resource: { type: 'access-request', id: null, name: 'access requests' } } as const;

const resourceOf = (id: string | null, name: string) => ({ type: 'access-request' as const, id, name });

/**
 * Asks for `use` on a template. Who sees it may ask, and who has a workspace from it, even where nothing is left of their access.
 * @throws AppError `not-found`, `conflict` for what one has or has asked for already, `rate-limited`
 */
export async function askForAccess(ctx: UserContext, input: z.output<typeof requestCreate>): Promise<store.RequestRow> {
  await requireSession(ctx, OWN);
  const template = await findTemplateAccess(ctx, input.templateId);
  const mayAsk = template !== undefined && (template.role !== null || (await hasWorkspaceFrom(ctx, template.id)));
  if (!mayAsk) throw new AppError('not-found', 'There is no such template');
  if (atLeast(template.role, 'use')) throw new AppError('conflict', `You can use template ${template.name} already`);
  const action = 'access_request.create';
  await countAttempt(ctx, `access-request:${ctx.actor.id}`, ASK_RULE, { action, resource: resourceOf(null, template.name) });
  const id = ctx.newId('accessRequest');
  const event = eventOf(ctx, {
    ...{ action, resource: resourceOf(id, template.name), status: 201 },
    details: { template: template.id, hours: input.hours, reason: input.reason },
  });
  await onUnique(
    commit(ctx, { changes: [store.insertRequest(ctx, { id, ...input })], events: [event] }),
    'access_requests.tenant_id, access_requests.user_id, access_requests.template_id',
    () => new AppError('conflict', `You have asked for template ${template.name} already. Its administrators have not decided yet.`),
  );
  const row = await readRequest(ctx, id);
  ctx.defer(tellDeciders(ctx, row));
  return row;
}

/**
 * Approves, for as long as was asked or shorter, or denies. Nobody decides their own.
 * @throws AppError `not-found`, `permission-denied`, `invalid`, `conflict` when it is not open any more
 */
export async function decideRequest(ctx: UserContext, id: string, input: z.output<typeof requestDecision>): Promise<store.RequestRow> {
  const row = await readRequest(ctx, id);
  const action = input.decision === 'approve' ? 'access_request.approve' : 'access_request.deny';
  const facts = { action, resource: resourceOf(id, row.template_name) } as const;
  await accessTo(ctx, row.template_id, 'admin', action);
  if (row.user_id === ctx.actor.id) return refuse(ctx, facts, 'Somebody else decides what one asks for');
  const hours = input.decision === 'approve' ? (input.hours ?? row.hours) : row.hours;
  if (hours > row.hours)
    throw new AppError('invalid', 'Some of the input is wrong', {
      errors: [{ path: 'hours', message: `must be at most the ${row.hours} that were asked for` }],
    });
  const expiresAt = input.decision === 'approve' ? new Date(ctx.now().getTime() + hours * HOUR_MS).toISOString() : null;
  const decision = {
    state: input.decision === 'approve' ? ('approved' as const) : ('denied' as const),
    note: input.note || null,
    expiresAt,
  };
  const details = { template: row.template_id, person: row.user_id, name: row.user_name, ...(expiresAt ? { hours, expiresAt } : {}) };
  await settle(ctx, row, decision, { ...facts, status: 200, details, ...(input.note ? { reason: input.note } : {}) });
  const decided = await readRequest(ctx, id);
  ctx.defer(tellAsker(ctx, decided));
  return decided;
}

/** Takes one's own open request back. @throws AppError `not-found`, `permission-denied`, `conflict` */
export async function withdrawRequest(ctx: UserContext, id: string): Promise<store.RequestRow> {
  const row = await readRequest(ctx, id);
  const facts = { action: 'access_request.withdraw' as AuditAction, resource: resourceOf(id, row.template_name) };
  if (row.user_id !== ctx.actor.id) return refuse(ctx, facts, 'Only who asked withdraws a request');
  await settle(
    ctx,
    row,
    { state: 'withdrawn', note: null, expiresAt: null },
    { ...facts, status: 200, details: { template: row.template_id } },
  );
  return readRequest(ctx, id);
}

async function settle(
  ctx: UserContext,
  row: store.RequestRow,
  decision: Parameters<typeof store.decide>[2],
  facts: EventFacts,
): Promise<void> {
  const event = eventOf(ctx, { ...facts, grantId: row.id });
  const changes = decision.expiresAt === null ? [] : store.grantRows(ctx, row, decision.expiresAt);
  await onGuard(
    commit(ctx, { guard: store.decide(ctx, row.id, decision), changes, events: [event] }),
    () => new AppError('conflict', 'The request is not open any more. Look again.'),
  );
}

/** What waits for the caller: requests to decide, and decisions that they have not seen. */
export async function readNotices(ctx: UserContext): Promise<Notices> {
  await requireSession(ctx, OWN);
  return store.countNotices(ctx);
}

/** The caller has seen what was decided on their requests. */
export async function seeDecisions(ctx: UserContext): Promise<void> {
  await requireSession(ctx, OWN);
  return store.markSeen(ctx);
}

async function tellDeciders(ctx: UserContext, row: store.RequestRow): Promise<void> {
  try {
    const deciders = await store.findDeciders(ctx, row.template_id, TOLD);
    const subject = `${row.user_name} asks to use template ${row.template_name}`;
    const text = [
      `${row.user_name} (${row.user_email}) asks to use template ${row.template_name} of ${ctx.tenant.name} for ${hoursWords(row.hours)}:`,
      `“${row.reason}”`,
      `Approve or deny it: ${ctx.settings.ORIGIN}/access-requests`,
    ].join('\n\n');
    await Promise.all(deciders.map(({ email }) => ctx.mail.send({ to: email, subject, text })));
  } catch (error) {
    ctx.log('warn', 'a request for access could not be mailed', { requestId: row.id, error: String(error) });
  }
}

async function tellAsker(ctx: UserContext, row: store.RequestRow): Promise<void> {
  const approved = row.state === 'approved';
  const subject = `Your request for template ${row.template_name} was ${approved ? 'approved' : 'denied'}`;
  const text = [
    approved
      ? `${ctx.actor.name} approved it: you can use template ${row.template_name} of ${ctx.tenant.name} until ${row.expires_at} (UTC).`
      : `${ctx.actor.name} denied it.`,
    ...(row.note ? [`“${row.note}”`] : []),
    `Your requests: ${ctx.settings.ORIGIN}/requests`,
  ].join('\n\n');
  try {
    await ctx.mail.send({ to: row.user_email, subject, text });
  } catch (error) {
    ctx.log('warn', 'a decision on a request could not be mailed', { requestId: row.id, error: String(error) });
  }
}

const hoursWords = (hours: number): string =>
  hours % 24 === 0 ? `${hours / 24} ${hours === 24 ? 'day' : 'days'}` : `${hours} ${hours === 1 ? 'hour' : 'hours'}`;
