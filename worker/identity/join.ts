import type { z } from 'zod';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import { givenDetails, powersOf } from '@gatehouse/core/access/power.ts';
import { quotaWords, type invitationAccept } from '@gatehouse/core/api/directory.ts';
import type { Me } from '@gatehouse/core/api/identity.ts';
import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { invitationGone, joiningRows, openInvitation, settleInvitation, type OpenInvitation } from '../directory/invitations.ts';
import { heldBy, type Settled } from '../directory/offers.ts';
import { isFull, NO_FACTORS, ssoRequired, twoFactorsRequired, type Person } from '../directory/people.ts';
import { roleName } from '../directory/role-grants.ts';
import { commit, eventOf, GuardFailed, onUnique, record } from '../platform/commit.ts';
import type { RequestFacts, Services, SessionContext } from '../platform/context.ts';
import { countAttempt } from '../platform/throttle.ts';
import { hashPassword } from './password.ts';
import { requireGoodPassword } from './password-rules.ts';
import { meOf, newSession, signedIn } from './session.ts';
import { SSO_ONLY } from './sso-only.ts';

const PER_NETWORK = { limit: 60, windowSeconds: 3600 };

/**
 * Whoever holds an invitation becomes a person of the organisation and is signed in. The mail with the
 * link proves the address. One transaction, and the invitation is used up.
 * @throws AppError `gone`, `conflict`, `quota-exceeded`, `rate-limited`
 */
export async function acceptInvitation(
  services: Services,
  request: RequestFacts,
  input: z.infer<typeof invitationAccept>,
): Promise<{ me: Me; credential: string }> {
  const system = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: input.name } };
  const somebody = { action: 'user.join', resource: { type: 'user', id: null, name: input.name } } as const;
  await countAttempt(system, `join from ${networkOf(request.origin.ip)}`, PER_NETWORK, somebody);

  const open = await openInvitation(services, input.token);
  if (await ssoRequired(open.db)) {
    const reason = 'The organisation requires single sign-on';
    await record({ ...system, db: open.db }, { ...somebody, outcome: 'denied', status: 403, reason });
    throw new AppError('sso-required', SSO_ONLY);
  }
  requireGoodPassword(input.password, [input.name, open.invitation.email, open.tenant.name, open.tenant.slug], 'password');
  const passwordHash = await hashPassword(services, open.db.shard, input.password);
  const factors = { ...NO_FACTORS, required: await twoFactorsRequired(open.db) };
  const given = await settleInvitation(open, services.now().toISOString());
  const person = { ...personOf(services, open, given, input.name, passwordHash), factors };
  const session = await newSession(services, request, open.db, person.user.id, 'password');
  const ctx = signedIn(services, request, open.db, person, session);
  const { guard, changes } = joiningRows(ctx, open, person, given, services.now().toISOString());
  const event = eventOf(ctx, {
    action: 'user.join',
    resource: { type: 'user', id: person.user.id, name: person.user.name },
    status: 201,
    diff: changesOf(given),
    details: {
      ...{ invitation: open.invitation.id, invitedBy: open.invitation.inviter, roles: given.roles.map(({ role }) => role).join(' ') },
      ...(given.leftOut.length > 0 ? { leftOut: given.leftOut.join(', ') } : {}),
      ...givenDetails({ power: powersOf(person.roles, person.customRoles), self: false }),
    },
  });
  const joined = commit(ctx, { guard, changes: [...changes, ...session.rows], events: [event] });
  try {
    await onUnique(joined, 'users.tenant_id, users.email', () => new AppError('conflict', 'This person is in the organisation already'));
  } catch (error) {
    throw error instanceof GuardFailed ? await obstacle(ctx, input.token) : error;
  }
  return { me: meOf(ctx), credential: session.credential };
}

/** What somebody got by joining. What whoever invited may not give any more is among `leftOut` in the details. */
const changesOf = ({ roles, groups, endsAt }: Settled): AuditChange[] =>
  [...roles.map((role) => `role ${roleName(role)}`), ...groups.map(({ name }) => `group ${name}`)].map((path) => ({
    ...{ path, old: null, new: { until: endsAt ?? 'for good' }, secret: false },
  }));

function personOf(
  services: Services,
  open: OpenInvitation,
  given: Settled,
  name: string,
  passwordHash: string,
): Omit<Person, 'factors'> & { passwordHash: string } {
  return {
    user: { id: services.newId('user'), name, email: open.invitation.email, emailVerified: true },
    ...{ ...heldBy(given), managesGroups: false },
    ...{ state: 'active', passwordHash, tenant: open.tenant, tenantState: 'active', comesIn: 'any' },
  };
}

/** The invitation is gone; or it still stands, and then it is the limit, or what it gives became another this very moment. */
async function obstacle(ctx: SessionContext, token: string): Promise<AppError> {
  const stands = await openInvitation(ctx, token).catch(() => null);
  if (!stands) return invitationGone();
  if (!(await isFull(stands.db))) return new AppError('conflict', 'What the invitation gives was changed this very moment. Try again.');
  const detail = `An organisation has ${quotaWords('users')}`;
  const { name, email } = ctx.actor;
  const anonymous = { ...ctx, actor: { type: 'anonymous' as const, name: email } };
  await record(anonymous, {
    action: 'user.join',
    resource: { type: 'user', id: null, name },
    ...{ outcome: 'denied', status: 403, reason: detail },
  });
  return new AppError('quota-exceeded', detail);
}
