import type { SearchHit, TextQuery } from '@gatehouse/core/protocol/search.ts';

/** Text with one find in it, before, as it is, and after. */
export interface Piece {
  text: string;
  /** what stands there instead; null: it is no find, or this expression can't be repeated here */
  becomes: string | null;
  found: boolean;
}

/**
 * What a find becomes: `$1`, `$&` and `$<name>` of a regular expression are filled in. The runner's expressions (Rust) and
 * this browser's differ in rare places: what both don't understand alike stays as it is.
 * @returns null when it stays
 */
export function becomes(found: string, query: TextQuery, replacement: string): string | null {
  if (!query.regex) {
    const same = query.matchCase ? found === query.query : found.toLowerCase() === query.query.toLowerCase();
    return same ? replacement : null;
  }
  try {
    const whole = new RegExp(`^(?:${query.query})$`, query.matchCase ? 'u' : 'iu');
    return whole.test(found) ? found.replace(whole, replacement) : null;
  } catch {
    return null;
  }
}

/** A line as pieces, for the eye. */
export function piecesOf({ text, ranges }: SearchHit, query: TextQuery, replacement: string | null): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const [from, to] of ranges) {
    if (from > at) pieces.push({ text: text.slice(at, from), becomes: null, found: false });
    const found = text.slice(from, to);
    pieces.push({ text: found, becomes: replacement === null ? null : becomes(found, query, replacement), found: true });
    at = to;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), becomes: null, found: false });
  return pieces;
}

/**
 * Replaces what was found in a file, where it still stands as it was found.
 * @returns the text, and how many finds it replaced and left
 */
export function replaceIn(
  content: string,
  hits: readonly SearchHit[],
  query: TextQuery,
  replacement: string,
): { text: string; replaced: number; left: number } {
  const lines = content.split('\n');
  let [replaced, left] = [0, 0];
  for (const { line, text, before, ranges } of hits) {
    const whole = lines[line - 1];
    for (const [from, to] of ranges.toReversed()) {
      const found = text.slice(from, to);
      const next = becomes(found, query, replacement);
      const now = lines[line - 1] ?? '';
      // The line as it was found, but for what was replaced further right.
      if (next === null || whole === undefined || whole.slice(before, before + text.length) !== text) left++;
      else {
        lines[line - 1] = now.slice(0, before + from) + next + now.slice(before + to);
        replaced++;
      }
    }
  }
  return { text: lines.join('\n'), replaced, left };
}
