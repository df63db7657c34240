import type { z } from 'zod';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { Assertion, assertionOptions } from '@gatehouse/core/api/factors.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { findPersonById, type Person } from '../directory/people.ts';
import { record, type EventContext } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { countAttempt, type ThrottleRule } from '../platform/throttle.ts';
import { enter, type Entered } from './enter.ts';
import { nowhere } from './nowhere.ts';
import { findPasskey, usePasskey } from './passkeys.store.ts';
import { PER_NETWORK } from './sign-in.ts';
import { optionsToAssert, parseUserHandle, takeChallenge, verifiedAssertion } from './webauthn.ts';

const ACTION = 'user.sign_in';
const UNHEARD = { limit: 60, windowSeconds: 60 };

/** A challenge for whichever passkey the person chooses; nobody knows yet whose. @throws AppError `rate-limited` */
export async function beginPasskeySignIn(services: Services, request: RequestFacts): Promise<z.infer<typeof assertionOptions>> {
  await countNetwork(services, request, 'passkey challenges for', { ...PER_NETWORK, limit: 2 * PER_NETWORK.limit });
  return optionsToAssert(services, nowhere(services), 'sign-in', '');
}

/**
 * Signs in whoever holds a passkey: it says itself whose it is. Whatever is wrong with it, the answer is the same.
 * @throws AppError `passkey-refused`, `rate-limited`; `tenant-suspended` to those only whose passkey is right
 */
export async function enterByPasskey(services: Services, request: RequestFacts, credential: Assertion): Promise<Entered> {
  await countNetwork(services, request, 'sign-in from', PER_NETWORK);
  const { response } = credential;
  const challenge = await takeChallenge(services, nowhere(services), 'sign-in', '', response.clientDataJSON);
  const handle = parseUserHandle(response.userHandle ?? '');
  const system = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: 'Somebody with a passkey' } };
  if (challenge === null || !handle || !services.shards.has(handle.shard)) throw await refuse(system, null, 'no passkey of ours');

  const db = services.tenantDb(handle.shard, handle.tenantId);
  const [person, passkey] = await Promise.all([
    findPersonById(db, handle.userId, services.now().toISOString()),
    findPasskey(db, handle.userId, credential.id),
  ]);
  // Only what is known of a tenant goes into its log: the handle is whatever the browser says.
  if (!person || !passkey) throw await refuse(person ? { ...system, db } : system, person, 'unknown passkey');
  const ctx = { ...system, db, actor: { ...system.actor, name: person.user.email } };
  const proved = await verifiedAssertion(services, credential, challenge, passkey);
  if (!proved) throw await refuse(ctx, person, 'wrong signature, page or counter');
  if (person.state !== 'active') throw await refuse(ctx, person, 'suspended');
  if (person.tenantState !== 'active') throw await refuse(ctx, person, 'organisation suspended');
  const used = { counter: proved.newCounter, backedUp: proved.credentialBackedUp, now: services.now().toISOString() };
  const guard = usePasskey(db, person.user.id, passkey, used);
  return enter(services, request, db, person, { method: 'passkey', guard, refusal: refused });
}

const refused = () =>
  new AppError('passkey-refused', 'It may have been removed, or belong to another account. Try another passkey, or your password.');

async function refuse(ctx: EventContext & Services, person: Person | null, reason: string): Promise<AppError> {
  const suspended = reason === 'organisation suspended';
  // Events that belong to no tenant: enough to see an attack, too few to fill the system's log.
  const unheard = person === null && (await ctx.throttle.begin('events of unknown passkeys', UNHEARD)) > 0;
  if (!unheard) {
    await record(ctx, {
      action: ACTION,
      resource: { type: 'user', id: person?.user.id ?? null, name: person?.user.name ?? 'somebody' },
      outcome: reason.endsWith('suspended') ? 'denied' : 'failure',
      ...{ status: suspended ? 403 : 401, reason, details: { method: 'passkey' } },
    });
  }
  if (suspended) return new AppError('tenant-suspended', 'The organisation is suspended. Its owner can ask whoever keeps this Gatehouse.');
  return refused();
}

async function countNetwork(services: Services, request: RequestFacts, what: string, rule: ThrottleRule): Promise<void> {
  const ctx = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: 'Somebody with a passkey' } };
  const resource = { type: 'user', id: null, name: 'somebody' } as const;
  await countAttempt(ctx, `${what} ${networkOf(request.origin.ip)}`, rule, { action: ACTION, resource });
}
