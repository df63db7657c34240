import { placeOf } from '@gatehouse/core/scim/attribute-path.ts';
import { MAX_RESULTS } from '@gatehouse/core/scim/describe.ts';
import { filterSql, orderSql, type Columns } from '@gatehouse/core/scim/filter-sql.ts';
import { parseFilter, type Operand } from '@gatehouse/core/scim/filter.ts';
import { readProjection, type Projection } from '@gatehouse/core/scim/projection.ts';
import type { ResourceType } from '@gatehouse/core/scim/schema.ts';
import { invalidPath, invalidValue } from '@gatehouse/core/scim/scim-error.ts';

/** What of a kind of resource is asked for, as SQL. */
export interface ListQuery {
  /** its values are bound as ?3, a JSON list */
  where: { sql: string; values: Operand[] };
  orderBy: string;
  startIndex: number;
  count: number;
  projection: Projection;
}

const USUAL = 100;

/** @param asked the parameters of the address, or the body of a `.search`. @throws ScimError */
export function readListQuery(type: ResourceType, columns: Columns, asked: ReadonlyMap<string, unknown>): ListQuery {
  const filter = textAt(asked, 'filter');
  const sortBy = textAt(asked, 'sortBy');
  return {
    where: filter === null ? { sql: '1', values: [] } : filterSql(parseFilter(type, filter), columns, '?3'),
    orderBy: orderOf(type, columns, sortBy, textAt(asked, 'sortOrder')),
    startIndex: Math.max(1, numberAt(asked, 'startIndex') ?? 1),
    count: Math.min(MAX_RESULTS, Math.max(0, numberAt(asked, 'count') ?? USUAL)),
    projection: projectionOf(type, asked),
  };
}

export const projectionOf = (type: ResourceType, asked: ReadonlyMap<string, unknown>): Projection =>
  readProjection(type, namesAt(asked, 'attributes'), namesAt(asked, 'excludedAttributes'));

function orderOf(type: ResourceType, columns: Columns, sortBy: string | null, order: string | null): string {
  if (sortBy === null) return columns.own['id'] ?? 's.user_id';
  const place = placeOf(type, sortBy);
  const sql = place && orderSql(place, columns);
  if (!sql) throw invalidPath(`It can’t be sorted by ${sortBy.slice(0, 100)}`);
  const isDown = order?.toLowerCase() === 'descending';
  // What has no value comes last going up, and first going down (RFC 7644 §3.4.2.3).
  return `${sql} IS NULL ${isDown ? 'DESC' : 'ASC'}, ${sql} ${isDown ? 'DESC' : 'ASC'}, ${columns.own['id'] ?? ''}`;
}

function textAt(asked: ReadonlyMap<string, unknown>, name: string): string | null {
  const value = asked.get(name.toLowerCase());
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw invalidValue(`${name} is text`);
  return value;
}

function numberAt(asked: ReadonlyMap<string, unknown>, name: string): number | null {
  const value = asked.get(name.toLowerCase());
  if (value === undefined || value === null || value === '') return null;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidValue(`${name} is a whole number`);
  return number;
}

function namesAt(asked: ReadonlyMap<string, unknown>, name: string): string[] | null {
  const value = asked.get(name.toLowerCase());
  if (value === undefined || value === null || value === '') return null;
  const names = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [null];
  if (!names.every((each) => typeof each === 'string')) throw invalidValue(`${name} is a list of names`);
  return names.map((each) => each.trim()).filter((each) => each !== '');
}

/** The names of an address’s parameters, or of a body’s fields, mean the same in any case. */
export const askedBy = (entries: Iterable<[string, unknown]>): Map<string, unknown> =>
  new Map([...entries].map(([name, value]) => [name.toLowerCase(), value]));
