import { z } from 'zod';

/** Search in the files of a workspace: what is asked for, and the lines of the answer (JSON, one below the other). */

/** Of one answer; what lies beyond is not looked for. */
export const MOST_HITS = 10_000;
export const MOST_FILES = 200_000;
/** UTF-16 units of a line that are shown */
export const MOST_LINE = 400;

const globs = z.array(z.string().min(1).max(200)).max(50);

export const textQuery = z.object({
  query: z.string().min(1).max(1000),
  /** a regular expression of the engine (Rust's), instead of the text itself */
  regex: z.boolean(),
  matchCase: z.boolean(),
  wholeWord: z.boolean(),
  /** globs of paths; none: all */
  include: globs,
  exclude: globs,
});
export type TextQuery = z.infer<typeof textQuery>;

/**
 * One line with what was found in it. `text` is the line, or the part of it around the first find; `before`: UTF-16 units
 * of the line that stand before `text`; `ranges`: from and to of each find, in `text`.
 */
export const searchHit = z.object({
  path: z.string(),
  line: z.number().int().min(1),
  text: z.string(),
  before: z.number().int().min(0),
  ranges: z.array(z.tuple([z.number().int().min(0), z.number().int().min(0)])).min(1),
});
export type SearchHit = z.infer<typeof searchHit>;

/** The last line. `truncated`: there is more than was looked for */
export const searchEnd = z.object({ end: z.literal(true), truncated: z.boolean() });
/** What comes a hundred thousand times is looked for first. */
export const textLine = z.union([searchHit, searchEnd]);
export const fileLine = z.union([z.string(), searchEnd]);
