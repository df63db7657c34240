/** What a key does to the line that is being typed. */
export type Edit = { kind: 'insert'; char: string } | { kind: 'erase' | 'left' | 'right' } | { kind: 'unknown' };

/**
 * The part of a line that is known because it was typed here, and the cursor in it. One character is one column.
 * Left of it stands the prompt, which no key may touch.
 */
export interface Line {
  /** column of the first known character */
  readonly start: number;
  readonly text: string;
  /** column of the cursor, from `start` to the end of the text */
  readonly x: number;
}

export interface Cell {
  readonly x: number;
  readonly char: string;
}

const KEYS: Record<string, Edit> = {
  '\x7f': { kind: 'erase' },
  '\x1b[D': { kind: 'left' },
  '\x1bOD': { kind: 'left' },
  '\x1b[C': { kind: 'right' },
  '\x1bOC': { kind: 'right' },
};

/** One column wide in every font and every program, and never joined with what stands before. */
const SIMPLE = /^(?:[ -~]|(?=\p{L})[\u00a1-\u024f\u0370-\u03ff\u0400-\u052f])$/u;

export const isSimple = (char: string): boolean => SIMPLE.test(char);

/** The terminal's own answers to what a program asked: attributes, position, focus, colours. */
// eslint-disable-next-line no-control-regex -- they begin with Escape
const REPORT = /^\x1b(?:\[[?>]?[\d;]*[cnRIO]$|[P\]].)/;

/** What the text sent to a program does. Pastes, control characters and anything wide are `unknown`; null is no key at all. */
export function editOf(sent: string): Edit | null {
  if (REPORT.test(sent)) return null;
  return isSimple(sent) ? { kind: 'insert', char: sent } : (KEYS[sent] ?? { kind: 'unknown' });
}

export const endOf = (line: Line): number => line.start + line.text.length;

/** The line after an edit; null where that can't be known: past its ends, or where it would wrap. */
export function applied(line: Line, edit: Edit, cols: number): Line | null {
  const { start, text, x } = line;
  const at = x - start;
  switch (edit.kind) {
    case 'insert':
      if (endOf(line) + 1 >= cols) return null;
      return { start, text: text.slice(0, at) + edit.char + text.slice(at), x: x + 1 };
    case 'erase':
      return at === 0 ? null : { start, text: text.slice(0, at - 1) + text.slice(at), x: x - 1 };
    case 'left':
      return at === 0 ? null : { ...line, x: x - 1 };
    case 'right':
      return at === text.length ? null : { ...line, x: x + 1 };
    case 'unknown':
      return null;
  }
}

/** The cells to draw over `shown` so that it looks like `wanted`. Both begin at the same column. */
export function difference(shown: Line, wanted: Line): Cell[] {
  const cells: Cell[] = [];
  for (let x = shown.start; x < Math.max(endOf(shown), endOf(wanted)); x += 1) {
    const char = wanted.text[x - wanted.start] ?? ' ';
    if (char !== shown.text[x - shown.start]) cells.push({ x, char });
  }
  return cells;
}
