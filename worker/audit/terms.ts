import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { folded, type FilterAttribute } from '@gatehouse/core/audit/filter.ts';

/**
 * How events are found by exact values: each (attribute, value) is a term, a number of 48 bits, and the
 * ledger keeps the events of each term in order. Two values may share a number; so whatever was found by a
 * term is looked at again.
 */
export const TERM_ATTRIBUTES = [
  'actor.id',
  'action',
  'resource.type',
  'resource.id',
  'outcome',
  'origin.ip',
  'requestId',
  'sessionId',
  'workspaceId',
  'grantId',
] as const satisfies FilterAttribute[];

const indexed: ReadonlySet<string> = new Set(TERM_ATTRIBUTES);
export const hasTerms = (attribute: FilterAttribute): boolean => indexed.has(attribute);

/** Nearly every event is one: a list of them would find nothing quicker. */
export const isCommon = (attribute: FilterAttribute, value: string): boolean => attribute === 'outcome' && folded(value) === 'success';

export const termOf = (attribute: FilterAttribute, value: string): number => hash48(`${attribute}\0${folded(value)}`);

/** FNV-1a over UTF-16, twice with different beginnings. */
function hash48(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b) ^ (high >>> 13);
  }
  return ((high >>> 0) % 0x10000) * 2 ** 32 + (low >>> 0);
}

/** The terms of an event, each once. */
export function termsOf(event: AuditEvent): number[] {
  const values: Array<[FilterAttribute, string | null | undefined]> = [
    ['actor.id', event.actor.id],
    ['action', event.action],
    ['resource.type', event.resource.type],
    ['resource.id', event.resource.id],
    ['outcome', event.outcome],
    ['origin.ip', event.origin?.ip],
    ['requestId', event.requestId],
    ['sessionId', event.sessionId],
    ['workspaceId', event.workspaceId],
    ['grantId', event.grantId],
  ];
  const terms = new Set<number>();
  for (const [attribute, value] of values)
    if (value !== null && value !== undefined && !isCommon(attribute, value)) terms.add(termOf(attribute, value));
  return [...terms];
}

/** Attributes whose text is searched for parts: names, addresses and reasons. */
export const TEXT_ATTRIBUTES = [
  'actor.name',
  'actor.email',
  'resource.name',
  'reason',
  'origin.ip',
  'origin.city',
] as const satisfies FilterAttribute[];
const searched: ReadonlySet<string> = new Set(TEXT_ATTRIBUTES);
export const isSearched = (attribute: FilterAttribute): boolean => searched.has(attribute);

/** The text that trigrams are made of, in the case in which filters compare. */
export const searchText = ({ actor, resource, reason, origin }: AuditEvent): string =>
  searchable([actor.name, actor.email, resource.name, reason, origin?.ip, origin?.city].filter((part) => part).join('\n'));

/** SQLite's tokeniser ends at a NUL. */
const searchable = (text: string): string => folded(text).replaceAll('\0', '\ufffd');

/** An FTS5 query for events that may contain the text; null when it is too short to say anything. */
export function trigramQuery(text: string): string | null {
  const characters = Array.from(searchable(text));
  const trigrams = new Set<string>();
  for (let start = 0; start + 3 <= characters.length; start++) trigrams.add(characters.slice(start, start + 3).join(''));
  if (trigrams.size === 0) return null;
  return [...trigrams]
    .slice(0, MOST_TRIGRAMS)
    .map((trigram) => `"${trigram.replaceAll('"', '""')}"`)
    .join(' AND ');
}
const MOST_TRIGRAMS = 40;
