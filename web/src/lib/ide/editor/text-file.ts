/** Bytes of a file and the text that is edited, there and back without a change that nobody made. */

export interface FileText {
  text: string;
  /** what ends a line when one is added */
  lineBreak: '\n' | '\r\n';
}

const encoder = new TextEncoder();

/** @returns null when the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array): FileText | null {
  try {
    // the byte order mark stays in the text, so that it is written back
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, lineBreak: lineBreakOf(text) };
  } catch {
    return null;
  }
}

export const encodeText = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);

/** Windows line ends only where every line has one: a mixed file keeps each of its own. */
export function lineBreakOf(text: string): FileText['lineBreak'] {
  if (!text.includes('\r\n')) return '\n';
  return /(^|[^\r])\n|\r(?!\n)/.test(text) ? '\n' : '\r\n';
}

/** `difference`, line by line where each line stays one: cursors between the changes stay where they are, too. */
export function differences(before: string, after: string): { from: number; to: number; insert: string }[] {
  const [lines, becomes] = [before.split('\n'), after.split('\n')];
  if (lines.length !== becomes.length) {
    const one = difference(before, after);
    return one === null ? [] : [one];
  }
  let start = 0;
  return lines.flatMap((line, index) => {
    const at = start;
    start += line.length + 1;
    const change = difference(line, becomes[index] ?? '');
    return change === null ? [] : [{ ...change, from: at + change.from, to: at + change.to }];
  });
}

/** The smallest single replacement that turns `before` into `after`; cursors outside of it stay where they are. */
export function difference(before: string, after: string): { from: number; to: number; insert: string } | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let end = 0;
  while (end < shorter - from && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) };
}
