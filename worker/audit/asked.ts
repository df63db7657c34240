import type { z } from 'zod';
import type { exportQuery } from '@gatehouse/core/api/audit.ts';
import { FilterFaulty, parseFilter, type Filter, type FilterAttribute } from '@gatehouse/core/audit/filter.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { TEXT_ATTRIBUTES } from './terms.ts';

export type Asked = Pick<z.infer<typeof exportQuery>, 'filter' | 'q' | 'action' | 'resourceType' | 'resourceId' | 'actorId' | 'outcome'>;

const PLAIN = {
  actorId: 'actor.id',
  action: 'action',
  resourceType: 'resource.type',
  resourceId: 'resource.id',
  outcome: 'outcome',
} as const satisfies Partial<Record<keyof Asked, FilterAttribute>>;

/** Attributes in which a word of a search may be part of the value, and those whose value it may be. */
const CONTAINING: readonly FilterAttribute[] = [...TEXT_ATTRIBUTES, 'action'];
const BEING: readonly FilterAttribute[] = ['actor.id', 'resource.id', 'requestId', 'sessionId', 'workspaceId', 'grantId'];
const MOST_WORDS = 10;

/**
 * All that a request asks events for, as one filter; null when everything is asked for.
 * @throws AppError `invalid-filter` with the position
 */
export function filterAsked(asked: Asked): Filter | null {
  const parts: Filter[] = [];
  for (const [parameter, attribute] of Object.entries(PLAIN) as Array<[keyof typeof PLAIN, FilterAttribute]>) {
    const value = asked[parameter];
    if (value !== undefined) parts.push({ kind: 'compare', attribute, operator: 'eq', value });
  }
  if (asked.filter !== undefined && asked.filter.trim() !== '') parts.push(readFilter(asked.filter));
  for (const word of (asked.q ?? '')
    .split(/\s+/)
    .filter((each) => each !== '')
    .slice(0, MOST_WORDS))
    parts.push(holding(word));
  return parts.length > 1 ? { kind: 'and', parts } : (parts[0] ?? null);
}

function readFilter(text: string): Filter {
  try {
    return parseFilter(text);
  } catch (error) {
    if (!(error instanceof FilterFaulty)) throw error;
    const { position, message } = error;
    throw new AppError('invalid-filter', `${message} (at position ${position})`, { errors: [{ path: 'filter', message, position }] });
  }
}

const holding = (word: string): Filter => ({
  kind: 'or',
  parts: [
    ...CONTAINING.map((attribute): Filter => ({ kind: 'compare', attribute, operator: 'co', value: word })),
    ...BEING.map((attribute): Filter => ({ kind: 'compare', attribute, operator: 'eq', value: word })),
  ],
});
