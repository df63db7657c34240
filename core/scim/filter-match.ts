import type { Place } from './attribute-path.ts';
import type { Filter, Operand, Operator } from './filter.ts';
import type { Attribute } from './schema.ts';

export type Json = Record<string, unknown>;

/** Letters A–Z as SQLite’s lower() folds them: database and memory must agree. */
const asciiLower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Text as it is compared. User names are kept folded in full, so that nobody is there twice. */
export const foldedText = (attribute: Attribute, text: string): string =>
  attribute.name === 'userName' ? text.toLowerCase() : attribute.caseExact ? text : asciiLower(text);

const isThere = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);

/** Whether the resource matches, by the plain meaning of the words: what SQL must agree with. */
export function matchesFilter(filter: Filter, resource: Json): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => matchesFilter(part, resource));
    case 'or':
      return filter.parts.some((part) => matchesFilter(part, resource));
    case 'not':
      return !matchesFilter(filter.part, resource);
    case 'some':
      return entriesOf(filter.place, resource).some((entry) => matchesEntry(filter.part, entry));
    case 'present':
      return isThere(valueAt(filter.place, resource));
    case 'compare':
      return compares(filter.place, valueAt(filter.place, resource), filter.operator, filter.value);
  }
}

/** Whether one entry of a list matches what stands in its brackets. */
export function matchesEntry(filter: Filter, entry: Json): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => matchesEntry(part, entry));
    case 'or':
      return filter.parts.some((part) => matchesEntry(part, entry));
    case 'not':
      return !matchesEntry(filter.part, entry);
    case 'present':
      return filter.place.sub === null || isThere(entry[filter.place.sub.name]);
    case 'compare':
      return compares(filter.place, entry[filter.place.sub?.name ?? 'value'], filter.operator, filter.value);
    case 'some':
      return false;
  }
}

const holderOf = ({ extension }: Place, resource: Json): Json =>
  extension === null ? resource : ((resource[extension] as Json | undefined) ?? {});

const entriesOf = (place: Place, resource: Json): Json[] => {
  const value = holderOf(place, resource)[place.attribute.name];
  return Array.isArray(value) ? (value as Json[]) : [];
};

function valueAt(place: Place, resource: Json): unknown {
  const value = holderOf(place, resource)[place.attribute.name];
  return place.sub === null ? value : (value as Json | undefined)?.[place.sub.name];
}

/** What is not there is equal to null and to nothing else. */
function compares(place: Place, found: unknown, operator: Operator, wanted: Operand): boolean {
  if (operator === 'ne') return !compares(place, found, 'eq', wanted);
  if (wanted === null) return !isThere(found);
  if (found === undefined || found === null) return false;
  const attribute = place.sub ?? place.attribute;
  if (typeof found === 'boolean' || typeof wanted === 'boolean') return found === wanted;
  return holds(foldedText(attribute, String(found)), operator, foldedText(attribute, String(wanted)));
}

function holds(left: string, operator: Exclude<Operator, 'ne'>, right: string): boolean {
  switch (operator) {
    case 'eq':
      return left === right;
    case 'co':
      return left.includes(right);
    case 'sw':
      return left.startsWith(right);
    case 'ew':
      return left.endsWith(right);
    case 'gt':
      return inBytes(left, right) > 0;
    case 'ge':
      return inBytes(left, right) >= 0;
    case 'lt':
      return inBytes(left, right) < 0;
    case 'le':
      return inBytes(left, right) <= 0;
  }
}

/** The order of SQLite’s BINARY: by code point, not by UTF-16 unit. */
function inBytes(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const step = (a[at]?.codePointAt(0) ?? 0) - (b[at]?.codePointAt(0) ?? 0);
    if (step !== 0) return step;
  }
  return a.length - b.length;
}
