/** An xterm.js terminal, of the page or of the runner, as far as a change of its size needs it. */
export interface ResizableScreen {
  readonly cols: number;
  resize(cols: number, rows: number): void;
}

/** The part of xterm.js that no public call reaches, as of 6.0.0. */
interface Inside {
  _core?: { buffers: Record<'normal' | 'alt', { x: number }> };
}

/**
 * Changes a terminal's size, on the page and on its runner alike (SPEC T3). xterm.js moves a cursor that stands behind a full
 * line back into the last column, where the next character would cover the one that is there, also when only the number of rows changes.
 */
export function resizeScreen(terminal: ResizableScreen, { cols, rows }: { cols: number; rows: number }): void {
  const buffers = (terminal as Inside)._core?.buffers;
  const behind = buffers === undefined || cols !== terminal.cols ? [] : [buffers.normal, buffers.alt].filter(({ x }) => x === cols);
  terminal.resize(cols, rows);
  for (const buffer of behind) buffer.x = cols;
}
