import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { matchesFilter, parseFilter } from '@gatehouse/core/audit/filter.ts';
import { formatEvent } from '@gatehouse/core/audit/formats.ts';
import { VERSION } from '../platform/deployment.routes.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { tenantName, type StoredDestination } from './destinations.store.ts';
import { eventIn } from './ledger.body.ts';
import type { OutgoingEvent } from './send.ts';

/** Makes of recorded events what a destination gets: those that its filter lets through, in its format. */
export type Shape = (bodies: readonly string[]) => OutgoingEvent[];

export async function shapeOf(db: TenantDb, { filter, format }: Pick<StoredDestination, 'filter' | 'format'>): Promise<Shape> {
  const wants = filter === '' ? null : parseFilter(filter);
  const context = { tenant: { id: db.tenantId, name: format === 'native' ? '' : await tenantName(db) }, version: VERSION };
  const shaped = (event: AuditEvent, body: string): OutgoingEvent => {
    if (format === 'native') return { event, format, body };
    try {
      return { event, format, body: JSON.stringify(formatEvent(format, event, context)) };
    } catch (error) {
      // One event that has no form there holds up none behind it.
      return { event, format, body: '', spoilt: `It can’t be put in the form ${format}: ${String(error)}` };
    }
  };
  return (bodies) => {
    const events = bodies.map((body) => ({ event: eventIn(body), body }));
    return events.filter(({ event }) => wants === null || matchesFilter(wants, event)).map(({ event, body }) => shaped(event, body));
  };
}
