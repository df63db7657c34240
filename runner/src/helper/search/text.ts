import { MOST_HITS, MOST_LINE, type SearchHit, type TextQuery } from '@gatehouse/core/protocol/search.ts';
import { z } from 'zod';
import type { Stream, StreamEvents } from '../host.ts';
import { runRipgrep } from './ripgrep.ts';

const NEW_LINE = 10;
/** of a long line, before the first find */
const LEAD = 60;

/** Text as ripgrep tells it: bytes in base64 where it is no UTF-8. */
const told = z.union([
  z.object({ text: z.string() }).transform(({ text }) => Buffer.from(text)),
  z.object({ bytes: z.base64() }).transform(({ bytes }) => Buffer.from(bytes, 'base64')),
]);
const match = z.object({
  type: z.literal('match'),
  data: z.object({
    path: told,
    lines: told,
    line_number: z.number(),
    submatches: z.array(z.object({ start: z.number(), end: z.number() })),
  }),
});

/** Finds lines with a text in all files that git would not ignore. */
export function searchText(root: string, query: TextQuery, stream: Stream): StreamEvents {
  let left = MOST_HITS;
  return runRipgrep(
    root,
    {
      arguments: [
        ...['--json', '--max-filesize=5M', query.matchCase ? '--case-sensitive' : '--ignore-case'],
        ...(query.wholeWord ? ['--word-regexp'] : []),
        ...(query.regex ? [] : ['--fixed-strings']),
        ...query.include.map((glob) => `--glob=${glob}`),
        ...query.exclude.map((glob) => `--glob=!${glob}`),
        `--regexp=${query.query}`,
      ],
      separator: NEW_LINE,
      lineOf: (answer) => {
        const { data: found } = match.safeParse(JSON.parse(answer.toString()));
        if (found === undefined) return null;
        if (left-- === 0) return 'full';
        return JSON.stringify(hitOf(found.data));
      },
    },
    stream,
  );
}

/** Positions in UTF-16 units, as pages count; a long line is shown around its first find. */
function hitOf({ path, lines, line_number: line, submatches }: z.infer<typeof match>['data']): SearchHit {
  const whole = lines.toString().replace(/\r?\n$/, '');
  const unitsTo = (byte: number) => Math.min(whole.length, lines.subarray(0, byte).toString().length);
  const finds = submatches.map(({ start, end }): [number, number] => [unitsTo(start), unitsTo(end)]);
  const before = whole.length <= MOST_LINE ? 0 : Math.max(0, Math.min((finds[0]?.[0] ?? 0) - LEAD, whole.length - MOST_LINE));
  const text = whole.slice(before, before + MOST_LINE);
  const ranges = finds
    .map(([from, to]): [number, number] => [from - before, Math.min(to - before, text.length)])
    .filter(([from, to]) => from < to || from < text.length);
  return { path: withoutDot(path.toString()), line, text, before, ranges: ranges.length > 0 ? ranges : [[0, 0]] };
}

const withoutDot = (path: string): string => path.replace(/^\.\//, '');
