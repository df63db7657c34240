import type { TapeEvent } from './recording.ts';

/** longer lines are no text that anybody looks for */
const MOST_LINE = 2000;
// CSI, OSC and other strings, two-byte escapes; then control characters but for newline, return, backspace and tab
// eslint-disable-next-line no-control-regex
const SEQUENCES = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]/g;

/** A line of text that a terminal showed, and when its last character came (milliseconds since the epoch). */
export interface ScreenLine {
  time: number;
  text: string;
}

/**
 * The text of output, line by line as it was written: what was rubbed out by backspace or written over from the start of the
 * line is as the screen had it last; what full-screen programs draw comes in the order in which they drew it.
 */
export function screenLines(events: readonly TapeEvent[]): ScreenLine[] {
  const decoder = new TextDecoder();
  const lines: ScreenLine[] = [];
  let pending = '';
  for (const event of events) {
    if (event.kind !== 'output') continue;
    const parts = (pending + decoder.decode(event.bytes, { stream: true })).split('\n');
    pending = parts.pop() ?? '';
    for (const part of parts) add(lines, event.time, part);
  }
  const last = events.at(-1);
  if (last !== undefined) add(lines, last.time, pending);
  return lines;
}

function add(lines: ScreenLine[], time: number, raw: string): void {
  const text = shown(raw.replaceAll(SEQUENCES, '')).trim().slice(0, MOST_LINE);
  if (text !== '') lines.push({ time, text });
}

function shown(text: string): string {
  let line: string[] = [];
  let at = 0;
  for (const character of text) {
    if (character === '\r') at = 0;
    else if (character === '\b') at = Math.max(0, at - 1);
    else line[at++] = character;
    if (at > MOST_LINE) [line, at] = [line.slice(0, MOST_LINE), MOST_LINE];
  }
  return line.join('');
}
