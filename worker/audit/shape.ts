import { z } from 'zod';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { matchesFilter, parseFilter } from '@gatehouse/core/audit/filter.ts';
import { formatEvent } from '@gatehouse/core/audit/formats.ts';
import type { Services } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { tenantName, type StoredDestination } from './destinations.store.ts';
import type { OutgoingEvent } from './send.ts';
import { VERSION } from '../platform/version.ts';

/** Makes of recorded events what a destination gets: those that its filter lets through, in its format. */
export type Shape = (bodies: readonly string[]) => { wanted: OutgoingEvent[]; last: number };

const head = z.object({ seq: z.number(), id: z.string(), time: z.string() });
/** The ledger looked at every field when it took the event in. */
const recorded = (body: string): AuditEvent => {
  const event: unknown = JSON.parse(body);
  head.parse(event);
  return event as AuditEvent;
};

export async function shapeOf({ }: Services, db: TenantDb, { filter, format }: StoredDestination): Promise<Shape> {
  const wants = filter === '' ? null : parseFilter(filter);
  const context = { tenant: { id: db.tenantId, name: format === 'native' ? '' : await tenantName(db) }, version: VERSION };
  const shaped = (event: AuditEvent, body: string): OutgoingEvent => ({
    event,
    format,
    body: format === 'native' ? body : JSON.stringify(formatEvent(format, event, context)),
  });
  return (bodies) => {
    const events = bodies.map((body) => ({ event: recorded(body), body }));
    const wanted = events.filter(({ event }) => wants === null || matchesFilter(wants, event));
    return { wanted: wanted.map(({ event, body }) => shaped(event, body)), last: events.at(-1)?.event.seq ?? 0 };
  };
}
