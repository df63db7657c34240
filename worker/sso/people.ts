import { quotaWords } from '@gatehouse/core/api/directory.ts';
import { admission, type Admission } from '@gatehouse/core/sso/admission.ts';
import { told, type Told } from '@gatehouse/core/sso/claims.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, record } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import type { Connected } from './connections.store.ts';
import type { Proved } from './flows.ts';
import { findKnown, insertIdentity, insertPerson, type Account } from './people.store.ts';

/** Somebody who comes from a provider, with what would become of them. */
export interface Arrival {
  told: Told;
  account: Account;
  admission: Admission;
}

/** Looks up who it is; changes nothing. */
export async function arrivalOf(db: TenantDb, { id, name, preset, oidc }: Connected, proved: Proved): Promise<Arrival> {
  const person = told({ ...proved.claims, sub: proved.subject }, oidc, preset);
  const { email, externalId } = person;
  const account = { providerId: id, issuer: proved.issuer, subject: proved.subject, email, externalId };
  const known = await findKnown(db, account);
  return { told: person, account, admission: admission(person, known, { id, name, admission: oidc.admission }) };
}

/** The provider, as what acts where somebody comes through it. */
export const actingFor = (services: Services, request: RequestFacts, db: TenantDb, { name }: Pick<Connected, 'name'>) => ({
  ...{ ...services, request, db },
  actor: { type: 'system' as const, name },
});

/**
 * The person who comes in: known, tied to their account now, or added now.
 * @throws AppError `sso-refused`, `quota-exceeded`, `conflict`; each is an event
 */
export async function personOf(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  connection: Connected,
  arrival: Arrival,
): Promise<string> {
  const { told: person, account, admission: found } = arrival;
  const ctx = actingFor(services, request, db, connection);
  const details = { provider: connection.id, subject: account.subject, why: found.why };
  const now = services.now().toISOString();
  const name = person.name ?? person.email ?? 'somebody';
  switch (found.outcome) {
    case 'refuse': {
      const resource = { type: 'user' as const, id: null, name };
      const email = person.email ?? '';
      await record(ctx, {
        ...{ action: 'user.sign_in', resource, outcome: 'denied', status: 403, reason: found.why },
        details: { method: 'sso', provider: connection.id, subject: account.subject, email },
      });
      throw new AppError('sso-refused', found.why);
    }
    case 'enter':
      return found.userId;
    case 'link': {
      const resource = { type: 'user' as const, id: found.userId, name };
      const event = eventOf(ctx, { action: 'user.link', resource, status: 200, details });
      const tied = commit(ctx, { guard: insertIdentity(db, account, found.userId, now), events: [event] });
      const clash = () => new AppError('sso-refused', 'Whoever has this address has left, or signs in with another account.');
      await onUnique(onGuard(tied, clash), 'identities', clash);
      return found.userId;
    }
    case 'create':
      return addPerson(ctx, connection, arrival, { name, now, details });
  }
}

async function addPerson(
  ctx: ReturnType<typeof actingFor>,
  { id: providerId }: Connected,
  { told: person, account, admission: { why } }: Arrival,
  { name, now, details }: { name: string; now: string; details: Record<string, string> },
): Promise<string> {
  const id = ctx.newId('user');
  const resource = { type: 'user' as const, id, name };
  const email = person.email ?? '';
  const event = eventOf(ctx, { action: 'user.provision', resource, status: 201, details: { ...details, email, why } });
  // The token's word counts for the address only where it says so: nothing here hangs on it otherwise.
  const row = { id, name, email, verified: person.emailVerified === true, now };
  const added = commit(ctx, {
    ...{ guard: insertPerson(ctx.db, row), changes: [insertIdentity(ctx.db, { ...account, providerId }, id, now)], events: [event] },
  });
  const full = async () => {
    const detail = `An organisation has ${quotaWords('users')}`;
    await record(ctx, { action: 'user.provision', resource, outcome: 'denied', status: 403, reason: detail });
    return new AppError('quota-exceeded', detail);
  };
  const clash = () => new AppError('conflict', 'This person was added this very moment. Try again.');
  await onUnique(onUnique(onGuard(added, full), 'users.tenant_id, users.email', clash), 'identities', clash);
  return id;
}
