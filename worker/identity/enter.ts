import type { Me, SignInMethod } from '@gatehouse/core/api/identity.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import type { AppError } from '@gatehouse/core/errors.ts';
import { seenNow, type Person } from '../directory/people.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { mailNewDevice, newFor } from './devices.ts';
import { meOf, newSession, signedIn, type ProviderSession } from './session.ts';
import { requireOwnWay } from './sso-only.ts';

export interface Entered {
  me: Me;
  /** for the cookie; nowhere kept */
  credential: string;
}

/** By what somebody comes in. */
interface Way {
  method: SignInMethod;
  /** uses up what was shown, and matches nothing where person or organisation may not enter any more */
  guard: Statement;
  changes?: Statement[];
  provider?: ProviderSession;
  /** written beside the sign-in */
  also?: AuditAction[];
  refusal: () => AppError;
}

/** Somebody came in past the provider that everybody else must use. */
const brokeGlass = ({ comesIn }: Person, { method }: Way): { breakGlass?: true } =>
  comesIn === 'break-glass' && method !== 'sso' ? { breakGlass: true } : {};

/** Begins the session of somebody who has proved who they are, with its event; a device that is new, or new in that country, is told by mail. */
export async function enter(services: Services, request: RequestFacts, db: TenantDb, person: Person, way: Way): Promise<Entered> {
  const { id, name, email } = person.user;
  const arriving = { ...services, request, db, actor: { type: 'anonymous' as const, name: email } };
  if (way.method !== 'sso') await requireOwnWay(arriving, person, way.method);
  const [news, session] = await Promise.all([
    newFor(db, id, request.origin),
    newSession(services, request, db, id, way.method, way.provider),
  ]);
  const ctx = signedIn(services, request, db, person, session);
  const resource = { type: 'user' as const, id, name };
  const through = way.provider ? { provider: way.provider.id, providerName: way.provider.name } : {};
  const details = { method: way.method, newDevice: news.device, ...through, ...brokeGlass(person, way) };
  const events = [
    ...(way.also ?? []).map((action) => eventOf(ctx, { action, resource, status: 200 })),
    eventOf(ctx, { action: 'user.sign_in', resource, status: 200, details }),
  ];
  const changes = [...session.rows, seenNow(db, id, session.authenticatedAt), ...(way.changes ?? [])];
  await onGuard(commit(ctx, { guard: way.guard, changes, events }), way.refusal);
  if (news.place) {
    const told = mailNewDevice(services, { name, email, organisation: person.tenant.name }, request.origin);
    services.defer(
      told.catch((error: unknown) => services.log('error', 'a new sign-in was not mailed', { user: id, error: String(error) })),
    );
  }
  return { me: meOf(ctx), credential: session.credential };
}
