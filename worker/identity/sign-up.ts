import type { z } from 'zod';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { Me, signUp as signUpInput } from '@gatehouse/core/api/identity.ts';
import { foundingRows, NO_FACTORS, type Person } from '../directory/people.ts';
import { activatePlace, reservePlace, shardFor, type TenantPlace } from '../directory/places.ts';
import { commit, eventOf } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { countAttempt } from '../platform/throttle.ts';
import { hashPassword } from './password.ts';
import { requireGoodPassword } from './password-rules.ts';
import { meOf, newSession, signedIn } from './session.ts';
import { mailVerification, newVerification } from './verification.ts';

type Input = z.infer<typeof signUpInput>;

/**
 * Founds an organisation and signs its owner in. The slug is reserved first; the tenant's shard then gets
 * everything in one transaction; the sweep mends what stops between.
 * @throws AppError `rate-limited`, `invalid` naming `tenant.region`, `conflict` naming `tenant.slug`
 */
export async function signUp(services: Services, request: RequestFacts, input: Input): Promise<{ me: Me; credential: string }> {
  await throttleSignUps(services, request, input);
  requireGoodPassword(input.user.password, [input.user.name, input.user.email, input.tenant.name, input.tenant.slug], 'user.password');
  const now = services.now().toISOString();
  const tenantId = services.newId('tenant');
  const shard = shardFor(services, input.tenant.region, tenantId);
  const passwordHash = await hashPassword(services, shard, input.user.password);
  const place: TenantPlace = { id: tenantId, ...input.tenant, shard, state: 'reserved', created_at: now };
  await reservePlace(services, place);

  const { name, email } = input.user;
  const owner: Person & { passwordHash: string } = {
    user: { id: services.newId('user'), name, email, emailVerified: false },
    ...{ state: 'active', passwordHash, roles: ['owner'], customRoles: [], managesGroups: false, tenantState: 'active', comesIn: 'any' },
    factors: NO_FACTORS,
    tenant: { id: tenantId, ...input.tenant, createdAt: now },
  };
  const db = services.tenantDb(shard, tenantId);
  const session = await newSession(services, request, db, owner.user.id, 'password');
  const verification = await newVerification(services, db, owner.user.id);
  const ctx = signedIn(services, request, db, owner, session);
  const event = eventOf(ctx, {
    action: 'tenant.create',
    resource: { type: 'tenant', id: tenantId, name: input.tenant.name },
    status: 201,
    details: { slug: input.tenant.slug, region: input.tenant.region },
  });
  await commit(ctx, { changes: [...foundingRows(ctx, owner, now), ...session.rows, verification.row], events: [event] });

  // The organisation stands. What fails from here on is mended by the sweep, or by asking for the mail again.
  const later = (what: string) => (error: unknown) => services.log('error', what, { tenant: tenantId, error: String(error) });
  await Promise.all([
    activatePlace(services, place).catch(later('a new tenant is not active in the directory yet')),
    mailVerification(services, owner.user, verification.link).catch(later('a verification was not mailed')),
  ]);
  return { me: meOf(ctx), credential: session.credential };
}

async function throttleSignUps(services: Services, request: RequestFacts, { tenant, user }: Input): Promise<void> {
  const ctx = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: user.email } };
  const rule = { limit: services.settings.SIGN_UPS_PER_HOUR, windowSeconds: 3600 };
  const resource = { type: 'tenant' as const, id: null, name: tenant.name };
  await countAttempt(ctx, `sign-up ${networkOf(request.origin.ip)}`, rule, { action: 'tenant.create', resource });
}
