import { csvLine } from '../api/csv.ts';
import type { AuditEvent } from './event.ts';

type Cell = string | number | null | undefined;

/** The columns of a log as a table, in order. */
const COLUMNS: ReadonlyArray<[name: string, read: (event: AuditEvent) => Cell]> = [
  ['seq', (event) => event.seq],
  ['id', (event) => event.id],
  ['time', (event) => event.time],
  ['recordedAt', (event) => event.recordedAt],
  ['actorType', (event) => event.actor.type],
  ['actorId', (event) => event.actor.id],
  ['actorName', (event) => event.actor.name],
  ['actorEmail', (event) => event.actor.email],
  ['actorVia', (event) => event.actor.via],
  ['action', (event) => event.action],
  ['resourceType', (event) => event.resource.type],
  ['resourceId', (event) => event.resource.id],
  ['resourceName', (event) => event.resource.name],
  ['outcome', (event) => event.outcome],
  ['status', (event) => event.status],
  ['reason', (event) => event.reason],
  ['ip', (event) => event.origin?.ip],
  ['userAgent', (event) => event.origin?.userAgent],
  ['browser', (event) => event.origin?.browser],
  ['os', (event) => event.origin?.os],
  ['device', (event) => event.origin?.device],
  ['country', (event) => event.origin?.country],
  ['city', (event) => event.origin?.city],
  ['asn', (event) => event.origin?.asn],
  ['requestId', (event) => event.requestId],
  ['sessionId', (event) => event.sessionId],
  ['workspaceId', (event) => event.workspaceId],
  ['grantId', (event) => event.grantId],
  ['diff', (event) => (event.diff.length === 0 ? '' : JSON.stringify(event.diff))],
  ['details', (event) => (Object.keys(event.details).length === 0 ? '' : JSON.stringify(event.details))],
];

export const eventCsvHeader = csvLine(COLUMNS.map(([name]) => name));

/** One line; what is null is empty. */
export const eventCsvLine = (event: AuditEvent): string => csvLine(COLUMNS.map(([, read]) => String(read(event) ?? '')));
