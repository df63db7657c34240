import { OUTCOMES, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import { matchesFilter, type Filter, type FilterAttribute } from '@gatehouse/core/audit/filter.ts';
import { hasTerms, isCommon, isSearched, termOf, trigramQuery } from './terms.ts';

/**
 * What every match of a filter is among: the events with one of these terms, and those that the full-text
 * query finds. A filter is compiled to a list of such covers, which SQL finds by index; what they let through is
 * looked at again by the plain evaluator, so a cover may be too wide and must never be too narrow.
 */
export interface Cover {
  terms: number[];
  /** FTS5 query, null for none */
  match: string | null;
}

/** The values that an attribute of few values ever had. */
export type Seen = (attribute: 'action' | 'resource.type') => string[];

type Comparison = Extract<Filter, { kind: 'compare' }>;

/** The covers of a filter: every match is in all of them. Empty: anything may match. */
export function coversOf(filter: Filter, seen: Seen): Cover[] {
  return covers(filter, false, seen);
}

/** @param negated it is the opposite of the filter that is looked for */
function covers(filter: Filter, negated: boolean, seen: Seen): Cover[] {
  switch (filter.kind) {
    case 'not':
      return covers(filter.part, !negated, seen);
    case 'and':
    case 'or': {
      const parts = filter.parts.map((part) => covers(part, negated, seen));
      return (filter.kind === 'and') === negated ? oneOf(parts) : parts.flat();
    }
    case 'compare':
      return ofComparison(filter, negated, seen);
    case 'present':
    case 'some':
      return [];
  }
}

/** A match is in the covers of one of the parts, so in the union of one cover from each. */
function oneOf(parts: Cover[][]): Cover[] {
  const chosen: Cover[] = [];
  for (const part of parts) {
    const cover = part.find(({ match }) => match === null) ?? part[0];
    if (!cover) return [];
    chosen.push(cover);
  }
  const matches = [...new Set(chosen.map(({ match }) => match).filter((match) => match !== null))];
  const terms = [...new Set(chosen.flatMap((cover) => cover.terms))];
  return [{ terms, match: matches.length === 0 ? null : matches.map((match) => `(${match})`).join(' OR ') }];
}

function ofComparison(filter: Comparison, negated: boolean, seen: Seen): Cover[] {
  const { attribute, operator, value } = filter;
  const closed = valuesOf(attribute, operator === 'eq' && !negated, seen);
  if (closed)
    return termsCover(
      attribute,
      closed.filter((each) => holds(filter, each) !== negated),
    );
  if (negated || typeof value !== 'string') return [];
  if (operator === 'eq' && hasTerms(attribute)) return termsCover(attribute, [value]);
  return isSearched(attribute) && TEXTUAL.has(operator) ? textCover(value) : [];
}

const TEXTUAL: ReadonlySet<string> = new Set(['eq', 'co', 'sw', 'ew']);

/** All values of an attribute of few; null when that is not to be known, or not needed. */
function valuesOf(attribute: FilterAttribute, single: boolean, seen: Seen): string[] | null {
  if (attribute === 'outcome') return [...OUTCOMES];
  return !single && (attribute === 'action' || attribute === 'resource.type') ? seen(attribute) : null;
}

/** Whether an event whose attribute has that value matches the comparison. */
function holds(filter: Comparison, value: string): boolean {
  const event: Pick<Record<string, unknown>, string> = { action: value, outcome: value, resource: { type: value } };
  return matchesFilter(filter, event as unknown as AuditEvent);
}

const termsCover = (attribute: FilterAttribute, values: readonly string[]): Cover[] =>
  values.some((value) => isCommon(attribute, value)) ? [] : [{ terms: values.map((value) => termOf(attribute, value)), match: null }];

function textCover(value: string): Cover[] {
  const match = trigramQuery(value);
  return match === null ? [] : [{ terms: [], match }];
}
