import type { z } from 'zod';
import type { ssoStart } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { findPersonById, type Person } from '../directory/people.ts';
import { findPlace } from '../directory/places.ts';
import { enter } from '../identity/enter.ts';
import { record } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { begin, countNetwork, newBrowser, type Begun, type Finished } from './begin.ts';
import { findSwitchedOn, noteUse, type Connected } from './connections.store.ts';
import type { Proved, Taken } from './flows.ts';
import { actingFor, arrivalOf, personOf, type Arrival } from './people.ts';
import { useIdentity } from './people.store.ts';
import { followToken } from './rights.ts';
import { tokenAddress } from './sessions.store.ts';

/**
 * Where to go to sign in. An organisation that nobody has, and one without single sign-on, answer the same.
 * @throws AppError `not-found`, `unavailable`, `rate-limited`
 */
export async function beginSignIn(
  services: Services,
  request: RequestFacts,
  input: z.infer<typeof ssoStart>,
  browser: string | undefined,
): Promise<Begun> {
  await countNetwork(services, request);
  const place = await findPlace(services, input.tenant);
  const db = place && services.tenantDb(place.shard, place.id);
  const providers = db ? await findSwitchedOn(db) : [];
  const connection = input.provider === undefined ? providers[0] : providers.find(({ id }) => id === input.provider);
  if (!db || !connection) throw new AppError('not-found', 'This organisation has no such way to sign in');
  const begun = browser ?? newBrowser(services);
  const hint = input.email === undefined ? {} : { hint: input.email };
  const asked = { purpose: 'sign-in', returnTo: input.returnTo, browser: begun, ...hint } as const;
  return { url: await begin(services, db, connection, asked), browser: begun };
}

/** @throws AppError `sso-refused`, `sso-failed`, `tenant-suspended`, `network-refused`; each is an event */
export async function signIn(services: Services, request: RequestFacts, taken: Taken, proved: Proved): Promise<Finished> {
  const { db, connection, flow } = taken;
  if (connection.oidc_state !== 'on') throw new AppError('sso-failed', `The sign-in through ${connection.name} is switched off.`);
  const arrival = await arrivalOf(db, connection, proved);
  const userId = await personOf(services, request, db, connection, arrival);
  const ctx = actingFor(services, request, db, connection);
  const now = services.now().toISOString();
  const person = await findPersonById(db, userId, now);
  if (!person || person.state !== 'active' || person.tenantState !== 'active') throw await refuse(ctx, connection, arrival, person);
  const changed = await followToken(ctx, connection, userId, arrival.told);
  const standing = (changed ? await findPersonById(db, userId, now) : null) ?? person;
  const { me, credential } = await enter(services, request, db, standing, {
    ...{ method: 'sso', guard: useIdentity(db, arrival.account, userId, now), refusal: () => new AppError('sso-refused', NOT_ANY_MORE) },
    changes: [noteUse(db, connection.id, arrival.told.warnings[0] ?? null, now)],
    provider: await providerSession(services, db, connection, proved),
  });
  return { answer: { purpose: 'sign-in', me, returnTo: flow.return_to }, credential };
}

const NOT_ANY_MORE = 'Your account may not sign in here any more.';

async function providerSession(
  services: Services,
  db: TenantDb,
  { id, name, oidc }: Connected,
  { subject, sid, idToken, expiresAt }: Proved,
) {
  const token = oidc.signsOutThere ? await services.secrets.seal(db, tokenAddress({ providerId: id, subject }), idToken) : null;
  return { id, name, subject, sid, token, endsAt: oidc.followsToken ? expiresAt : null };
}

async function refuse(
  ctx: ReturnType<typeof actingFor>,
  connection: Connected,
  { told, account }: Arrival,
  person: Person | null,
): Promise<AppError> {
  const organisation = person?.tenantState === 'suspended';
  const reason = organisation ? 'organisation suspended' : (person?.state ?? 'no such user');
  const resource = { type: 'user' as const, id: person?.user.id ?? null, name: person?.user.name ?? told.name ?? 'somebody' };
  const details = { method: 'sso', provider: connection.id, subject: account.subject };
  await record(ctx, { action: 'user.sign_in', resource, outcome: 'denied', status: 403, reason, details });
  if (organisation)
    return new AppError('tenant-suspended', 'The organisation is suspended. Its owner can ask whoever keeps this Gatehouse.');
  return new AppError('sso-refused', NOT_ANY_MORE);
}
