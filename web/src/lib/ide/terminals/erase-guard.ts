import type { IDisposable, Terminal } from '@xterm/xterm';

/** The part of xterm.js that no public call reaches. */
interface Core {
  _core?: { _inputHandler?: { eraseInDisplay?(params: { params: number[] }): boolean } };
}

/**
 * xterm.js 6.0.0 fails on "erase up to the cursor" (CSI 1 J) with the cursor in the last cell of a screen that has not
 * scrolled yet, and then draws nothing ever again. There it means the whole screen, which it can erase.
 */
export function guardErase(terminal: Terminal): IDisposable[] {
  const eraseAll = (params: (number | number[])[]): boolean => {
    const { buffer, rows, cols } = terminal;
    const { cursorX, cursorY, baseY } = buffer.active;
    if (params[0] !== 1 || baseY > 0 || cursorY < rows - 1 || cursorX < cols - 1) return false;
    return (terminal as unknown as Core)._core?._inputHandler?.eraseInDisplay?.({ params: [2] }) ?? true;
  };
  return [{ final: 'J' }, { prefix: '?', final: 'J' }].map((id) => terminal.parser.registerCsiHandler(id, eraseAll));
}
