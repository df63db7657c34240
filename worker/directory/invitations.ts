import { z } from 'zod';
import {
  quotaWords,
  type Invitation,
  type invitationCreate,
  type invitationCreated,
  type invitationList,
  type invitationShown,
} from '@gatehouse/core/api/directory.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { commit, eventOf, GuardFailed, onGuard, record, require, requireVerifiedEmail } from '../platform/commit.ts';
import type { Context, Services, UserContext } from '../platform/context.ts';
import { locateCredential, mintCredential } from '../platform/credential.ts';
import { pageOf } from '../platform/route.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import {
  deleteInvitation,
  findInvitation,
  findInvitations,
  findOpenInvitation,
  insertInvitation,
  insertInvited,
  invitationObstacle,
  type InvitationNamed,
  type InvitationRow,
} from './invitations.store.ts';
import { givingRows, requireOfferable, settleOffer, type Offer, type Settled } from './offers.ts';
import type { Person } from './people.ts';
import { inOrder } from './roles.ts';

const LIFETIME_DAYS = 7;
const ids = z.array(z.string());
const refs = <T extends Parameters<typeof idSchema>[0]>(prefix: T) => z.array(z.object({ id: idSchema(prefix), name: z.string() }));
/** What an invitation gives. */
const offerOf = (row: Pick<InvitationRow, 'roles' | 'groups' | 'access_ends_at'>): Offer => ({
  ...{ roles: ids.parse(JSON.parse(row.roles)), groups: ids.parse(JSON.parse(row.groups)), endsAt: row.access_ends_at },
});

/** Also those that have expired: they can be taken back, or given again. */
export async function listInvitations(ctx: UserContext, page: { limit: number; after: string }): Promise<z.infer<typeof invitationList>> {
  await require(ctx, 'user:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /invitations' } });
  return pageOf(await findInvitations(ctx.db, page), page.limit, present, (row) => [row.id]);
}

/**
 * Invites somebody by mail. The link is in the answer too, for where mail does not arrive.
 * @throws AppError `email-unverified`, `permission-denied`, `conflict`, `quota-exceeded`
 */
export async function invite(ctx: UserContext, input: z.infer<typeof invitationCreate>): Promise<z.infer<typeof invitationCreated>> {
  const id = ctx.newId('invitation');
  const facts = { action: 'invitation.create', resource: { type: 'invitation', id: null, name: input.email } } as const;
  await require(ctx, 'user:invite', facts);
  await requireVerifiedEmail(ctx, facts);
  const roles = [...new Set(input.roles)];
  const groups = [...new Set(input.groups)];
  const endsAt = input.accessEndsAt === null ? null : new Date(input.accessEndsAt).toISOString();
  await requireOfferable(ctx, facts, { roles, groups, endsAt });

  const token = await mintCredential('invitation', ctx.db, ctx.random);
  const now = ctx.now();
  const row = {
    ...{
      id,
      email: input.email,
      roles: JSON.stringify(roles),
      groups: JSON.stringify(groups),
      access_ends_at: endsAt,
      invited_by: ctx.actor.id,
      inviter: ctx.actor.name,
    },
    ...{ created_at: now.toISOString(), expires_at: new Date(now.getTime() + LIFETIME_DAYS * 86_400_000).toISOString() },
  };
  const details = {
    ...{ roles: roles.join(' '), groups: groups.join(' '), expiresAt: row.expires_at },
    ...(endsAt === null ? {} : { accessEndsAt: endsAt }),
  };
  const event = eventOf(ctx, { ...facts, resource: { ...facts.resource, id }, status: 201, details });
  try {
    await commit(ctx, { guard: insertInvitation(ctx.db, row, token.hash), events: [event] });
  } catch (error) {
    throw error instanceof GuardFailed ? await obstacle(ctx, input.email) : error;
  }
  const link = `${ctx.settings.ORIGIN}/invite#${token.text}`;
  await mailInvitation(ctx, input.email, link);
  const made = await findInvitation(ctx.db, id);
  return { ...present(made ?? { ...row, custom_roles: '[]', group_names: '[]' }), link };
}

async function obstacle(ctx: UserContext, email: string): Promise<AppError> {
  const found = await invitationObstacle(ctx.db, email, ctx.now().toISOString());
  if (found === 'member') return taken('is in the organisation already');
  if (found === 'invited') return taken('is invited already: take that invitation back to send a new one');
  const detail = `An organisation has ${quotaWords(found)}`;
  const resource = { type: 'invitation', id: null, name: email } as const;
  await record(ctx, { action: 'invitation.create', resource, outcome: 'denied', status: 403, reason: detail });
  return new AppError('quota-exceeded', detail);
}

const taken = (message: string) => new AppError('conflict', `This person ${message}`, { errors: [{ path: 'email', message }] });

async function mailInvitation(ctx: UserContext, to: string, link: string): Promise<void> {
  const subject = `${ctx.actor.name} invites you to ${ctx.tenant.name}`;
  const { name, email } = ctx.actor;
  const text = `${email === null ? name : `${name} (${email})`} invites you to work in ${ctx.tenant.name} on Gatehouse.\n\nJoin within ${LIFETIME_DAYS} days:\n${link}\n\nThe link works once. If you expected no invitation, ignore this mail.\n`;
  // The invitation stands without the mail: whoever invites has the link, too.
  await ctx.mail
    .send({ to, subject, text })
    .catch((error: unknown) => ctx.log('error', 'an invitation was not mailed', { tenant: ctx.tenant.id, error: String(error) }));
}

export async function revokeInvitation(ctx: UserContext, id: string): Promise<void> {
  const facts = { action: 'invitation.revoke', resource: { type: 'invitation', id, name: 'somebody' } } as const;
  await require(ctx, 'user:invite', facts);
  const row = await findInvitation(ctx.db, id);
  const gone = () => new AppError('not-found', 'There is no such invitation');
  if (!row) throw gone();
  const event = eventOf(ctx, { ...facts, resource: { ...facts.resource, name: row.email }, status: 204 });
  await onGuard(commit(ctx, { guard: deleteInvitation(ctx.db, id), events: [event] }), gone);
}

/** What an invitation says before somebody accepts it. @throws AppError `gone` */
export async function previewInvitation(services: Services, token: string): Promise<z.infer<typeof invitationShown>> {
  const { invitation, tenant } = await openInvitation(services, token);
  return { tenant, email: invitation.email, invitedBy: invitation.inviter, expiresAt: invitation.expires_at };
}

/** An invitation that still leads somewhere, found by its token. */
export interface OpenInvitation {
  db: TenantDb;
  tokenHash: string;
  invitation: InvitationRow;
  tenant: Context['tenant'];
}

/** @throws AppError `gone` for one that was used, taken back, has expired or never was */
export async function openInvitation(services: Services, token: string): Promise<OpenInvitation> {
  const located = await locateCredential(services, 'invitation', token);
  const row = located ? await findOpenInvitation(located.db, located.hash, services.now().toISOString()) : undefined;
  if (!located || !row) throw invitationGone();
  const { tenant_name: name, slug, region, tenant_created_at: createdAt } = row;
  return { db: located.db, tokenHash: located.hash, invitation: row, tenant: { id: located.db.tenantId, name, slug, region, createdAt } };
}

export const invitationGone = () => new AppError('gone', 'The invitation was used, was taken back or has expired. Ask for a new one.');

/** The statements by which an invited person becomes one of the organisation; the invitation is used up. */
export function joiningRows(
  ctx: Pick<Services, 'newId'> & { db: TenantDb },
  open: OpenInvitation,
  person: Person & { passwordHash: string },
  given: Settled,
  now: string,
): { guard: Statement; changes: Statement[] } {
  const { user, passwordHash } = person;
  const { roles, groups } = given;
  const looked = {
    groups: groups.map(({ id }) => id),
    groupRoles: groups.flatMap((group) => group.roles.map(({ role }) => role)),
    something: roles.length + groups.length > 0,
  };
  return {
    guard: insertInvited(ctx.db, { id: user.id, name: user.name, passwordHash }, open.tokenHash, now, looked),
    changes: [...givingRows(ctx, user.id, given, { by: open.invitation.invited_by, now }), deleteInvitation(ctx.db, open.invitation.id)],
  };
}

/** What the invitation still gives, now that it is accepted. */
export const settleInvitation = (open: OpenInvitation, now: string): Promise<Settled> =>
  settleOffer(open.db, offerOf(open.invitation), open.invitation.invited_by, now);

const present = (row: InvitationNamed): Invitation => ({
  ...{ id: row.id, email: row.email, roles: inOrder(offerOf(row).roles.flatMap((role) => builtInRole.safeParse(role).data ?? [])) },
  ...{ customRoles: refs('role').parse(JSON.parse(row.custom_roles)), groups: refs('group').parse(JSON.parse(row.group_names)) },
  ...{ accessEndsAt: row.access_ends_at, invitedBy: { id: row.invited_by, name: row.inviter } },
  ...{ createdAt: row.created_at, expiresAt: row.expires_at },
});
