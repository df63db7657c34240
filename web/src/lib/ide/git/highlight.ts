import { Language, LanguageSupport } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { classHighlighter, highlightTree } from '@lezer/highlight';
import { languageOf } from '../editor/language-names.ts';
import { LANGUAGES } from '../editor/languages.ts';

/** A piece of a line and the classes that colour it. */
export interface Piece {
  text: string;
  classes: string;
}
type Span = readonly [from: number, to: number, classes: string];

const MOST_LETTERS = 300_000;

/** Colours of a text's lines; null where nobody knows its language, or it is too long. */
export async function coloursOf(name: string, text: string): Promise<Span[][] | null> {
  const language = languageOf(name);
  if (language === null || text.length > MOST_LETTERS) return null;
  const found = languageIn(await LANGUAGES[language]());
  if (found === null) return null;
  const lines = text.split('\n');
  const starts: number[] = [];
  for (let line = 0, start = 0; line < lines.length; start += (lines[line++]?.length ?? 0) + 1) starts.push(start);
  const spans: Span[][] = lines.map(() => []);
  let at = 0;
  highlightTree(found.parser.parse(text), classHighlighter, (from, to, classes) => {
    while (at + 1 < starts.length && (starts[at + 1] ?? 0) <= from) at += 1;
    // One that goes over several lines colours each.
    for (let line = at; line < lines.length && (starts[line] ?? 0) < to; line++) {
      const start = starts[line] ?? 0;
      spans[line]?.push([Math.max(0, from - start), Math.min(lines[line]?.length ?? 0, to - start), classes]);
    }
  });
  return spans;
}

const languageIn = (extension: Extension): Language | null =>
  extension instanceof LanguageSupport ? extension.language : extension instanceof Language ? extension : null;

/** A line cut where its colour changes, or where it begins to differ. */
export function piecesOf(text: string, spans: readonly Span[], marks: ReadonlyArray<readonly [number, number]>): Piece[] {
  const cuts = [...new Set([0, text.length, ...[...spans, ...marks].flatMap(([from, to]) => [from, to])])];
  const inside = cuts.filter((at) => at <= text.length).sort((a, b) => a - b);
  return inside.slice(0, -1).map((from, index) => {
    const to = inside[index + 1] ?? text.length;
    const colours = spans.filter((span) => span[0] <= from && span[1] >= to).map(([, , classes]) => classes);
    const isMarked = marks.some((mark) => mark[0] <= from && mark[1] >= to);
    return { text: text.slice(from, to), classes: [...colours, ...(isMarked ? ['marked'] : [])].join(' ') };
  });
}
