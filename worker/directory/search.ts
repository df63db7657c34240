import { z } from 'zod';
import { decodeCursor } from '../platform/route.ts';

/** A page of a list that is searched and ordered by text: `after` holds the sort key of the last row, empty on the first page. */
export interface SearchedPage {
  q: string;
  limit: number;
  after: string[];
}

/** @param keys of how many values the list's sort key is made @throws AppError `invalid` for a cursor of another list */
export const searchedPage = (
  query: { q?: string | undefined; limit: number; cursor?: string | undefined },
  keys: number,
): SearchedPage => ({
  q: query.q ?? '',
  limit: query.limit,
  after: query.cursor === undefined ? Array.from({ length: keys }, () => '') : decodeCursor(query.cursor, z.array(z.string()).length(keys)),
});
