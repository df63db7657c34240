import { nameOf, type Place } from './attribute-path.ts';
import type { Filter, Operand, Operator } from './filter.ts';
import { foldedText } from './filter-match.ts';

/** Where the attributes of a kind of resource lie in the database. */
export interface Columns {
  /** the row’s own columns by the attribute’s name; all others lie in its JSON */
  own: Readonly<Record<string, string>>;
  /** the column with that JSON; null: there is none */
  json: string | null;
  /** rows of a list by its name: what stands behind FROM, and its parts */
  lists: Readonly<Record<string, { from: string; parts: Readonly<Record<string, string>> }>>;
}

/**
 * The filter as a condition that is true or false, never NULL. All values are in one list, bound once as JSON, so that no filter
 * needs more binds than D1 has.
 * @param bind the placeholder of that list, like `?4`
 */
export function filterSql(filter: Filter, columns: Columns, bind: string): { sql: string; values: Operand[] } {
  const values: Operand[] = [];
  const value = (operand: Operand): string => {
    values.push(operand);
    return `(${bind} ->> '$[${values.length - 1}]')`;
  };
  return { sql: condition(filter, columns, value, null), values };
}

type Bind = (operand: Operand) => string;

/** @param entry the list whose entry we are at */
function condition(filter: Filter, columns: Columns, value: Bind, entry: Place | null): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return balanced(
        filter.parts.map((part) => condition(part, columns, value, entry)),
        filter.kind.toUpperCase(),
      );
    case 'not':
      return `NOT ${condition(filter.part, columns, value, entry)}`;
    case 'some':
      return `EXISTS (SELECT 1 FROM ${rowsOf(filter.place, columns)} WHERE ${condition(filter.part, columns, value, filter.place)})`;
    case 'present':
      return present(filter.place, columns, entry);
    case 'compare':
      return comparison(filter.place, expression(filter.place, columns, entry), filter.operator, filter.value, value);
  }
}

/** Joined as a tree: a chain would be as deep as it is long. */
function balanced(parts: readonly string[], word: string): string {
  if (parts.length === 1) return parts[0] ?? '';
  const half = parts.length >> 1;
  return `(${balanced(parts.slice(0, half), word)} ${word} ${balanced(parts.slice(half), word)})`;
}

const jsonPath = (place: Place, withSub: boolean): string =>
  `$${place.extension === null ? '' : `."${place.extension}"`}."${place.attribute.name}"${withSub && place.sub ? `."${place.sub.name}"` : ''}`;

const rowsOf = (place: Place, { lists, json }: Columns): string =>
  lists[place.attribute.name]?.from ?? `json_each(${json ?? `'{}'`}, '${jsonPath(place, false)}') entry`;

function expression(place: Place, columns: Columns, entry: Place | null): string {
  if (entry !== null) {
    const part = place.sub?.name ?? 'value';
    return (
      columns.lists[entry.attribute.name]?.parts[part] ?? (columns.lists[entry.attribute.name] ? 'NULL' : `(entry.value ->> '$."${part}"')`)
    );
  }
  const own = columns.own[nameOf(place)];
  if (own !== undefined) return own;
  return columns.json === null ? 'NULL' : `(${columns.json} ->> '${jsonPath(place, true)}')`;
}

function present(place: Place, columns: Columns, entry: Place | null): string {
  if (entry !== null && place.sub === null) return '1';
  return `(coalesce(${expression(place, columns, entry)}, '') <> '')`;
}

function comparison(place: Place, found: string, operator: Operator, wanted: Operand, value: Bind): string {
  if (operator === 'ne') return `NOT ${comparison(place, found, 'eq', wanted, value)}`;
  if (wanted === null) return `(coalesce(${found}, '') = '')`;
  const attribute = place.sub ?? place.attribute;
  if (typeof wanted === 'boolean') return `(${found} IS ${wanted ? 1 : 0})`;
  const isFolded = attribute.caseExact || attribute.name === 'userName' || attribute.type === 'dateTime';
  const left = isFolded ? found : `lower(${found})`;
  const text = foldedText(attribute, String(wanted));
  const right = value(text);
  switch (operator) {
    case 'eq':
      return `(${left} IS ${right})`;
    case 'co':
      return `coalesce(instr(${left}, ${right}) > 0, 0)`;
    case 'sw':
      return `coalesce(substr(${left}, 1, length(${right})) = ${right}, 0)`;
    case 'ew':
      return text === ''
        ? `(${left} IS NOT NULL)`
        : `coalesce(length(${left}) >= length(${right}) AND substr(${left}, -length(${right})) = ${right}, 0)`;
    default:
      return `coalesce(${left} ${{ gt: '>', ge: '>=', lt: '<', le: '<=' }[operator]} ${right}, 0)`;
  }
}

/** What to sort by; null for what can't be. Of a list it is the primary entry’s value, or the first one’s. */
export function orderSql(place: Place, columns: Columns): string | null {
  const attribute = place.sub ?? place.attribute;
  if (place.attribute.multiValued) {
    if (columns.lists[place.attribute.name] || columns.json === null) return null;
    const part = place.sub?.name ?? 'value';
    return `(SELECT lower(entry.value ->> '$."${part}"') FROM ${rowsOf(place, columns)} ORDER BY (entry.value ->> '$.primary') IS NOT 1, entry.key LIMIT 1)`;
  }
  if (attribute.type === 'complex') return null;
  const found = expression(place, columns, null);
  return attribute.caseExact ? found : `lower(${found})`;
}
