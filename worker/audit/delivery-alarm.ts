import { commit, eventOf, GuardFailed, type EventContext, type EventFacts } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { findDestination, moveDestination, type StoredDestination } from './destinations.store.ts';
import { addressesWith } from './holders.ts';
import type { Telling } from './ledger.telling.ts';

/** What the service does to a destination on its own. */
export const systemContext = (services: Services, db: TenantDb): EventContext => ({
  ...services,
  db,
  actor: { type: 'system', name: 'Gatehouse' },
  request: null,
});

export const siemResource = ({ id, name }: StoredDestination): Pick<EventFacts, 'resource'> => ({ resource: { type: 'siem', id, name } });

/** A change of state with its event. Somebody else's change that came first wins, with its own event. @returns whether it was ours */
export async function moveWithEvent(
  services: Services,
  db: TenantDb,
  destination: StoredDestination,
  guard: Statement,
  facts: Omit<EventFacts, 'resource'>,
): Promise<boolean> {
  const ctx = systemContext(services, db);
  try {
    await commit(ctx, { guard, events: [eventOf(ctx, { ...siemResource(destination), ...facts })] });
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}

/**
 * Says once for each outage that a destination stalls, and that it recovered: by its state, an event, and a mail to those who
 * may do something about it. May be repeated: the state says what was done already.
 */
export async function tell(services: Services, { tenantId, shard, destinationId, what, held, since, lastError }: Telling): Promise<void> {
  const db = services.tenantDb(shard, tenantId);
  const destination = await findDestination(db, destinationId);
  if (!destination || destination.state === 'paused') return;
  if (what === 'recovered') {
    const recovered = moveDestination(db, destinationId, ['failing', 'held'], 'active');
    if (await moveWithEvent(services, db, destination, recovered, { action: 'siem.recovered' }))
      await mailManagers(services, db, `${destination.name} gets events again`, [
        `The SIEM destination “${destination.name}” takes events again. What had waited follows in order; nothing is lost.`,
      ]);
    return;
  }
  const reason = lastError ?? 'Nothing was delivered for minutes, and no error says why';
  const stalled = moveDestination(db, destinationId, ['active'], held ? 'held' : 'failing');
  await moveWithEvent(services, db, destination, stalled, { action: 'siem.stalled', reason, details: { held, since } });
  await mailManagers(services, db, `${destination.name} gets no events`, [
    `The SIEM destination “${destination.name}” has got no events since ${since ?? 'a while'}: ${reason}`,
    held
      ? 'It refuses them until somebody changes something there or here: it is tried every 15 minutes, and at once when you change or resume it.'
      : 'It is tried on, every few minutes.',
    'Nothing is lost: what waits follows in order.',
  ]);
}

/** Tells the people who may manage destinations. One address that fails keeps no other from its mail. */
export async function mailManagers(services: Services, db: TenantDb, subject: string, lines: string[]): Promise<void> {
  const text = [...lines, `${services.settings.ORIGIN}/siem`].join('\n\n');
  for (const to of await addressesWith(db, 'siem:manage', services.now()))
    await services.mail
      .send({ to, subject: `Gatehouse: ${subject}`, text })
      .catch((error: unknown) => services.log('error', 'could not mail that a destination stalls', { error: String(error) }));
}
