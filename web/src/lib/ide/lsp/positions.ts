import type { Text } from '@codemirror/state';
import type { Position, Range, TextEdit } from './schemas.ts';

/** Places as the protocol counts them, lines and UTF-16 units from 0. One that is not there is the nearest that is. */

export function offsetOf(doc: Text, { line, character }: Position): number {
  if (line >= doc.lines) return doc.length;
  const { from, to } = doc.line(line + 1);
  return Math.min(from + character, to);
}

export function positionOf(doc: Text, offset: number): Position {
  const line = doc.lineAt(offset);
  return { line: line.number - 1, character: offset - line.from };
}

export const spanOf = (doc: Text, { start, end }: Range): { from: number; to: number } => {
  const from = offsetOf(doc, start);
  return { from, to: Math.max(from, offsetOf(doc, end)) };
};

const before = (a: Position, b: Position): boolean => a.line < b.line || (a.line === b.line && a.character < b.character);
const isSame = (a: Position, b: Position): boolean => a.line === b.line && a.character === b.character;

/** Sorted by place; those at the same place stay in their order. @throws Error when two touch the same text */
export function ordered(edits: readonly TextEdit[]): TextEdit[] {
  const sorted = [...edits].sort((a, b) => (isSame(a.range.start, b.range.start) ? 0 : before(a.range.start, b.range.start) ? -1 : 1));
  for (const [index, edit] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && before(next.range.start, edit.range.end)) throw new Error('Its changes overlap');
  }
  return sorted;
}

/** A text after edits, whatever its line breaks are. @throws Error when two touch the same text */
export function edited(text: string, edits: readonly TextEdit[]): string {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const breaks = text.includes('\r\n') ? '\r\n' : '\n';
  const offset = ({ line, character }: Position): number => {
    const start = starts[line];
    if (start === undefined) return text.length;
    const next = starts[line + 1];
    const end = next === undefined ? text.length : next - (text[next - 2] === '\r' ? 2 : 1);
    return Math.min(start + character, end);
  };
  let result = '';
  let done = 0;
  for (const { range, newText } of ordered(edits)) {
    const [from, to] = [offset(range.start), offset(range.end)];
    result += text.slice(done, from) + newText.replaceAll(/\r?\n/g, breaks);
    done = Math.max(from, to);
  }
  return result + text.slice(done);
}
