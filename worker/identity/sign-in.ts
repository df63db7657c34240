import type { z } from 'zod';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { SecondFactor } from '@gatehouse/core/api/factors.ts';
import type { login } from '@gatehouse/core/api/identity.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { findPersonByEmail, letIn, type Person } from '../directory/people.ts';
import { findPlace } from '../directory/places.ts';
import { record, type EventContext } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { hashSecret } from '../platform/encoding.ts';
import { countAttempt } from '../platform/throttle.ts';
import { checkPassword, hashPassword } from './password.ts';
import { enter, type Entered } from './enter.ts';
import { nowhere } from './nowhere.ts';
import { askSecondFactor } from './second-factor.ts';
import { requireOwnWay } from './sso-only.ts';

type Input = z.infer<typeof login>;

/** Guesses at one account; forgotten after a right one. */
const PER_ACCOUNT = { limit: 10, windowSeconds: 900 };
/** Attempts from one network, right ones too: a whole office must get in of a morning. */
export const PER_NETWORK = { limit: 300, windowSeconds: 900 };
/** Events about organisations that nobody has: enough to see an attack, too few to fill the system's log. */
const UNKNOWN_TENANTS = { limit: 60, windowSeconds: 60 };

/**
 * Signs somebody in. Unknown organisation, unknown person, wrong password and suspended person answer the
 * same, after the same work; only the log knows which it was. Whoever has a second factor gets no session yet.
 * @throws AppError `sign-in-failed`, `rate-limited`; `tenant-suspended` to those only whose password is right
 */
export async function signIn(services: Services, request: RequestFacts, input: Input): Promise<Entered | SecondFactor> {
  const system = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: input.email } };
  const typed = { action: 'user.sign_in', resource: { type: 'user', id: null, name: input.email } } as const;
  await countAttempt(system, `sign-in from ${networkOf(request.origin.ip)}`, PER_NETWORK, typed);

  const place = await findPlace(services, input.tenant);
  const db = place ? services.tenantDb(place.shard, place.id) : nowhere(services);
  const ctx = place ? { ...system, db } : system;
  const account = `sign-in as ${await hashSecret(`${input.tenant} ${input.email}`)}`;
  await countAttempt(ctx, account, PER_ACCOUNT, typed);

  const person = await findPersonByEmail(db, input.email, services.now().toISOString());
  const { matches, outdated } = await checkPassword(services, db.shard, input.password, person?.passwordHash ?? null);
  const refusal = refusalOf(place !== null, person, matches);
  if (refusal || !person) throw await refuse(ctx, input, person, refusal ?? 'no such user');
  await services.throttle.forget(account);
  const newHash = outdated ? await hashPassword(services, db.shard, input.password) : null;
  await requireOwnWay(ctx, person, 'password');
  if (person.factors.passkey || person.factors.totp) return askSecondFactor(services, request, db, person, newHash);
  return enter(services, request, db, person, {
    method: 'password',
    guard: letIn(db, person, services.now().toISOString(), newHash),
    refusal: () => new AppError('sign-in-failed', 'Organisation, e-mail or password is wrong'),
  });
}

type Refusal = 'no such organisation' | 'no such user' | 'wrong password' | 'suspended' | 'organisation suspended';

function refusalOf(known: boolean, person: Person | null, matches: boolean): Refusal | null {
  if (!known) return 'no such organisation';
  if (!person) return 'no such user';
  if (!matches) return 'wrong password';
  if (person.state !== 'active') return 'suspended';
  return person.tenantState === 'active' ? null : 'organisation suspended';
}

async function refuse(ctx: EventContext & Services, input: Input, person: Person | null, reason: Refusal): Promise<AppError> {
  const suspended = reason === 'organisation suspended';
  const unheard = reason === 'no such organisation' && (await ctx.throttle.begin('events of unknown organisations', UNKNOWN_TENANTS)) > 0;
  if (!unheard) {
    await record(ctx, {
      action: 'user.sign_in',
      resource: { type: 'user', id: person?.user.id ?? null, name: person?.user.name ?? input.email },
      outcome: reason === 'suspended' || suspended ? 'denied' : 'failure',
      ...{ status: suspended ? 403 : 401, reason, details: { organisation: input.tenant } },
    });
  }
  if (suspended) return new AppError('tenant-suspended', 'The organisation is suspended. Its owner can ask whoever keeps this Gatehouse.');
  return new AppError('sign-in-failed', 'Organisation, e-mail or password is wrong');
}
