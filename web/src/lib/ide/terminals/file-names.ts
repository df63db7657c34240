/** Names of files, and places in them, as programs print them. */

export interface FileName {
  /** UTF-16 units of the line, from and to */
  from: number;
  to: number;
  name: string;
  /** counted from 1; null: none was said */
  line: number | null;
  column: number | null;
}

/** of a line; what a program prints beyond is no text for people */
const MOST_LINE = 2000;
const MOST_NAMES = 20;

const PYTHON = /File "([^"\n]+)", line (\d+)/dg;
/** One or more characters of a path; brackets as in `pages/[id].tsx`. */
const PATH = String.raw`((?:[\p{L}\p{N}_@.+~$%=/-]|\[[\p{L}\p{N}._-]+\])+)`;
/** `:12:5`, `:12`, `(12,5)`, `(12)`, `", line 12` */
const PLACE = String.raw`(?::(\d+)(?::(\d+))?|\((\d+)(?:, ?(\d+))?\)|", line (\d+))?`;
const ANY = new RegExp(PATH + PLACE, 'gdu');

const number = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

/** What in a line may be a file. Whether it is one, the workspace knows. */
export function fileNamesIn(line: string): FileName[] {
  const text = line.slice(0, MOST_LINE);
  const found: FileName[] = [];
  for (const match of text.matchAll(PYTHON)) {
    const [from, to] = match.indices?.[0] ?? [0, 0];
    found.push({ from, to, name: match[1] ?? '', line: number(match[2]), column: null });
  }
  const isTaken = (at: number) => found.some(({ from, to }) => at >= from && at < to);
  for (const match of text.matchAll(ANY)) {
    if (found.length >= MOST_NAMES) break;
    const [, said = '', line1, column1, line2, column2, line3] = match;
    const from = match.index;
    const at = number(line1 ?? line2 ?? line3);
    // a full stop at the end of a sentence is none of the name
    const name = at === null ? said.replace(/[.]+$/, '') : said;
    if (isTaken(from) || !isLikely(name, at !== null)) continue;
    const to = at === null ? from + name.length : from + match[0].length;
    found.push({ from, to, name, line: at, column: number(column1 ?? column2) });
  }
  return found.sort((a, b) => a.from - b.from);
}

/** A name with a place, a folder before it or an ending behind it; no address, no number, no option. */
function isLikely(name: string, placed: boolean): boolean {
  if (name.length < 2 || name.startsWith('//') || name.startsWith('-') || !/\p{L}/u.test(name)) return false;
  return placed ? !/^\d+$/.test(name) : name.includes('/') || /[^.]\.[\p{L}][\p{L}\p{N}]{0,9}$/u.test(name);
}
