import type { EchoMode } from '@gatehouse/core/api/ide-settings.ts';
import type { Cell } from './line.ts';

/** A line of the terminal, wherever scrolling takes it. */
export interface Mark {
  /** its row now, counted as `Surface.row` is; -1 when it is gone */
  readonly line: number;
  dispose(): void;
}

/** What the terminal shows of all output so far. */
export interface Surface {
  /** the cursor's column; `cols` when the next character would wrap */
  readonly x: number;
  /** the cursor's row, counted from the oldest line that is kept */
  readonly row: number;
  readonly cols: number;
  /** whether a program like vim or less has the whole screen */
  readonly alternate: boolean;
  /** the character of a cell, a space where there is none */
  cell(row: number, x: number): string;
  /** Marks the cursor's line. */
  mark(): Mark;
}

export interface Surroundings {
  mode(): EchoMode;
  /** whether keys of this page go to the program now: it drives, is connected, and sees what the program said last */
  drives(): boolean;
  /** milliseconds to the broker and back; null before it was measured */
  latency(): number | null;
}

/** What to draw over the terminal. */
export interface Prediction {
  /** counted as `Surface.row` is */
  readonly row: number;
  readonly cells: readonly Cell[];
  readonly cursor: Cell;
  /** to be drawn as not yet certain */
  readonly doubtful: boolean;
}
