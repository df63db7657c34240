import type { AuditChange, AuditEvent } from './event.ts';

export type FilterValue = string | number | boolean | null;

interface Attribute {
  type: 'string' | 'number' | 'boolean';
  /** every value it has in an event; null where the event has none */
  read(event: AuditEvent): FilterValue[];
}

const one = (read: (event: AuditEvent) => FilterValue): Attribute => ({ type: 'string', read: (event) => [read(event)] });
const change = (type: Attribute['type'], read: (change: AuditChange) => FilterValue): Attribute => ({
  type,
  read: (event) => event.diff.map(read),
});

/** Old and new values may be of any shape: they are compared as the text that a page would show. */
const shown = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

/** What a filter may name. Times are left out on purpose: `since` and `until` are for them. */
export const FILTER_ATTRIBUTES = {
  id: one((event) => event.id),
  action: one((event) => event.action),
  outcome: one((event) => event.outcome),
  status: { type: 'number', read: (event) => [event.status] },
  reason: one((event) => event.reason),
  'actor.id': one((event) => event.actor.id),
  'actor.email': one((event) => event.actor.email),
  'actor.name': one((event) => event.actor.name),
  'actor.type': one((event) => event.actor.type),
  'actor.via': one((event) => event.actor.via),
  'resource.type': one((event) => event.resource.type),
  'resource.id': one((event) => event.resource.id),
  'resource.name': one((event) => event.resource.name),
  'origin.ip': one((event) => event.origin?.ip ?? null),
  'origin.browser': one((event) => event.origin?.browser ?? null),
  'origin.os': one((event) => event.origin?.os ?? null),
  'origin.device': one((event) => event.origin?.device ?? null),
  'origin.country': one((event) => event.origin?.country ?? null),
  'origin.city': one((event) => event.origin?.city ?? null),
  'origin.asn': one((event) => event.origin?.asn ?? null),
  requestId: one((event) => event.requestId),
  sessionId: one((event) => event.sessionId),
  workspaceId: one((event) => event.workspaceId),
  grantId: one((event) => event.grantId),
  /** from which template a workspace was made: it is about the workspace, and people ask by the template */
  'details.template': one((event) => shown(event.details['template'] ?? null)),
  'diff.path': change('string', ({ path }) => path),
  'diff.old': change('string', ({ old }) => shown(old)),
  'diff.new': change('string', (each) => shown(each.new)),
  'diff.secret': change('boolean', ({ secret }) => secret),
} as const satisfies Record<string, Attribute>;

export type FilterAttribute = keyof typeof FILTER_ATTRIBUTES;

const names = Object.keys(FILTER_ATTRIBUTES) as FilterAttribute[];
const byLowerCase = new Map(names.map((name) => [name.toLowerCase(), name]));

/** Attributes that hold several values, and so may be asked with brackets: `diff[path eq "name"]`. */
export const VALUE_PATHS: readonly string[] = ['diff'];

/** The declared attribute of that name, whatever its case (RFC 7644 §3.4.2.2). */
export const attributeNamed = (name: string): FilterAttribute | undefined => byLowerCase.get(name.toLowerCase());

export const typeOf = (attribute: FilterAttribute): Attribute['type'] => (FILTER_ATTRIBUTES[attribute] as Attribute).type;

/** All values of the attribute in that event. */
export const valuesOf = (attribute: FilterAttribute, event: AuditEvent): FilterValue[] =>
  (FILTER_ATTRIBUTES[attribute] as Attribute).read(event);
