import type { IBuffer } from '@xterm/xterm';

/** The text of lines `from` to `to`, that one left out; what was wrapped is one line. */
export function textBetween(buffer: IBuffer, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 1) {
    const line = buffer.getLine(at);
    if (line === undefined) break;
    const goesOn = at + 1 < to && buffer.getLine(at + 1)?.isWrapped === true;
    text += line.translateToString(!goesOn) + (goesOn ? '' : '\n');
  }
  return text.replace(/\n$/, '');
}

/** One line as its program wrote it, however it is wrapped, and where each of its UTF-16 units stands. */
export interface WrittenLine {
  text: string;
  /** column and line of each unit, counted from 0 */
  cells: readonly { x: number; y: number }[];
}

/** of one written line: a program that writes no line ends must not hold up the page */
const MOST_ROWS = 30;

/** @param at any of the rows that it takes */
export function writtenLine(buffer: IBuffer, at: number): WrittenLine {
  let y = at;
  while (y > 0 && at - y < MOST_ROWS && buffer.getLine(y)?.isWrapped === true) y -= 1;
  const [cells, pieces]: [{ x: number; y: number }[], string[]] = [[], []];
  for (const first = y; y - first < MOST_ROWS; y += 1) {
    const line = buffer.getLine(y);
    if (line === undefined || (y > first && !line.isWrapped)) break;
    for (let x = 0; x < line.length; x += 1) {
      const cell = line.getCell(x);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const chars = cell.getChars() || ' ';
      pieces.push(chars);
      for (let unit = 0; unit < chars.length; unit += 1) cells.push({ x, y });
    }
  }
  return { text: pieces.join(''), cells };
}
