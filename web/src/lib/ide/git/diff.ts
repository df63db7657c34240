import { diff, presentableDiff } from '@codemirror/merge';
import type { LineEdit } from '@gatehouse/core/protocol/git.ts';

/** Lines of a text with their ends, as the runner counts them. */
export const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const SURROGATES = { from: 0xd800, count: 0x800 };
const MOST_KINDS = 0xffff - SURROGATES.count;

/** What changed from one text to another, in whole lines. */
export function editsBetween(before: string, after: string): LineEdit[] {
  const kinds = new Map<string, string>();
  const lettersOf = (lines: readonly string[]) =>
    lines
      .map((line) => {
        const known = kinds.get(line);
        if (known !== undefined) return known;
        const at = kinds.size + 1;
        const letter = String.fromCharCode(at < SURROGATES.from ? at : at + SURROGATES.count);
        kinds.set(line, letter);
        return letter;
      })
      .join('');
  const [a, b] = [linesOf(before), linesOf(after)];
  const [x, y] = [lettersOf(a), lettersOf(b)];
  if (kinds.size > MOST_KINDS) return [{ old: [0, a.length], new: [0, b.length] }];
  return diff(x, y, { scanLimit: 2000 }).map(({ fromA, toA, fromB, toB }) => ({ old: [fromA, toA], new: [fromB, toB] }));
}

/** A line of a comparison; numbers count from 1. */
export interface DiffLine {
  kind: 'same' | 'old' | 'new';
  old: number | null;
  new: number | null;
  text: string;
  /** ranges that differ from the line that it became, or was */
  marks: ReadonlyArray<readonly [number, number]>;
  /** the last of its file, without a line break behind it */
  open: boolean;
}

/** Changes that stand close together, with what is around them. */
export interface Hunk {
  edits: LineEdit[];
  lines: DiffLine[];
  /** lines of the text that are left out before it */
  hidden: number;
}

const AROUND = 3;
const MOST_MARKED = 2000;

/** @param around lines that did not change, before and behind each change */
export function hunksOf(before: string, after: string, around = AROUND): { hunks: Hunk[]; hiddenAtEnd: number } {
  const [a, b] = [linesOf(before), linesOf(after)];
  const edits = editsBetween(before, after);
  const hunks: Hunk[] = [];
  let shown = 0;
  edits.forEach((edit, index) => {
    const from = Math.max(shown, edit.new[0] - around);
    let hunk = hunks.at(-1);
    if (hunk === undefined || from > shown) hunks.push((hunk = { edits: [], lines: [], hidden: from - shown }));
    // Behind a change as much as is wanted, and never the next change's own lines.
    const until = Math.min(edits[index + 1]?.new[0] ?? b.length, edit.new[1] + around);
    hunk.lines.push(...sameLines(b, from, edit.new[0], edit.old[0] - edit.new[0]), ...changedLines(a, b, edit));
    hunk.lines.push(...sameLines(b, edit.new[1], until, edit.old[1] - edit.new[1]));
    hunk.edits.push(edit);
    shown = until;
  });
  return { hunks, hiddenAtEnd: b.length - shown };
}

const lineAt = (lines: readonly string[], index: number) => {
  const whole = lines[index] ?? '';
  return { text: whole.replace(/\r?\n$/, ''), open: !whole.endsWith('\n') };
};

const sameLines = (b: readonly string[], from: number, to: number, shift: number): DiffLine[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => ({
    ...{ kind: 'same', old: from + index + shift + 1, new: from + index + 1, marks: [] },
    ...lineAt(b, from + index),
  }));

function changedLines(a: readonly string[], b: readonly string[], { old, new: to }: LineEdit): DiffLine[] {
  const pairs = old[1] - old[0] === to[1] - to[0];
  const marksOf = (index: number, side: 'A' | 'B'): Array<[number, number]> => {
    const [was, is] = [lineAt(a, old[0] + index).text, lineAt(b, to[0] + index).text];
    if (!pairs || was.length + is.length > MOST_MARKED) return [];
    return presentableDiff(was, is).map((change) => (side === 'A' ? [change.fromA, change.toA] : [change.fromB, change.toB]));
  };
  const removed = Array.from({ length: old[1] - old[0] }, (_, index): DiffLine => ({
    ...{ kind: 'old', old: old[0] + index + 1, new: null, marks: marksOf(index, 'A') },
    ...lineAt(a, old[0] + index),
  }));
  const added = Array.from({ length: to[1] - to[0] }, (_, index): DiffLine => ({
    ...{ kind: 'new', old: null, new: to[0] + index + 1, marks: marksOf(index, 'B') },
    ...lineAt(b, to[0] + index),
  }));
  return [...removed, ...added];
}

/** Of an edit that part which is selected: lines of `old` (from 1) that go, lines of `new` that come. */
export function partOf(edit: LineEdit, goes: (line: number) => boolean, comes: (line: number) => boolean): LineEdit[] {
  const rangeOf = (from: number, to: number, wanted: (line: number) => boolean) =>
    Array.from({ length: to - from }, (_, index) => from + index).filter((index) => wanted(index + 1));
  const old = rangeOf(edit.old[0], edit.old[1], goes);
  const fresh = rangeOf(edit.new[0], edit.new[1], comes);
  if (edit.old[1] - edit.old[0] !== edit.new[1] - edit.new[0]) {
    return [
      ...old.map((index): LineEdit => ({ old: [index, index + 1], new: [edit.new[0], edit.new[0]] })),
      ...fresh.map((index): LineEdit => ({ old: [edit.old[1], edit.old[1]], new: [index, index + 1] })),
    ];
  }
  // Line by line, each stays at its place.
  return Array.from({ length: edit.old[1] - edit.old[0] }, (_, index) => index).flatMap((index): LineEdit[] => {
    const [at, to] = [edit.old[0] + index, edit.new[0] + index];
    const [gone, come] = [old.includes(at), fresh.includes(to)];
    if (gone) return [{ old: [at, at + 1], new: come ? [to, to + 1] : [to, to] }];
    return come ? [{ old: [at + 1, at + 1], new: [to, to + 1] }] : [];
  });
}
