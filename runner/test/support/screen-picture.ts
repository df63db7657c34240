import type { Terminal } from '@xterm/headless';
import { coreOf, makeCell, type CoreAttributes, type CoreBuffer, type CoreCell } from '../../src/terminals/screens/xterm-core.ts';
import { extendedOf, hasBackground, selectAttributes, selectBackground, showsWithoutText } from '../../src/terminals/screens/attributes.ts';

/** All that is to be seen of a terminal, and how it will take what comes next; equal pictures are equal terminals. */
export function pictureOf(terminal: Terminal) {
  const core = coreOf(terminal);
  const { active, normal } = core.buffers;
  const cell = makeCell(terminal);
  const { isCursorHidden, decPrivateModes } = core.coreService;
  // synchronized output is over in a moment, and not kept
  const { synchronizedOutputMode: _, ...modes } = terminal.modes;
  return {
    size: [terminal.cols, terminal.rows],
    screen: terminal.buffer.active.type,
    rows: rowsOf(terminal, active, cell),
    behind: active === normal ? null : rowsOf(terminal, normal, cell),
    cursor: [active.x, active.y, isCursorHidden, decPrivateModes.cursorStyle, decPrivateModes.cursorBlink, terminal.options.cursorBlink],
    margins: [active.scrollTop, active.scrollBottom],
    selected: attributesOf(core._inputHandler._curAttrData) + linkOf(terminal, core._inputHandler._curAttrData),
    modes: { ...modes, mouseEncoding: core.coreMouseService.activeEncoding, newLine: terminal.options.convertEol },
    charset: core._charsetService.charset?.['q'] ?? null,
    tabs: Object.keys(active.tabs).filter((column) => active.tabs[Number(column)] && Number(column) < terminal.cols),
    title: core._inputHandler._windowTitle,
  };
}

const attributesOf = (attributes: CoreAttributes): string => selectAttributes(attributes);

function linkOf(terminal: Terminal, attributes: CoreAttributes): string {
  const { urlId } = extendedOf(attributes);
  return urlId === 0 ? '' : ` → ${coreOf(terminal)._oscLinkService.getLinkData(urlId)?.uri}`;
}

/**
 * Whether the cursor is where output can put it at once: xterm.js also leaves it behind the last column when the character
 * there is erased, even further behind, and outside the margins in origin mode.
 */
export function isFaithful(terminal: Terminal): boolean {
  const { x, y, ybase, lines, scrollTop, scrollBottom } = coreOf(terminal).buffers.active;
  if (terminal.modes.originMode && (y < scrollTop || y > scrollBottom)) return false;
  const last = lines.get(ybase + y).loadCell(terminal.cols - 1, makeCell(terminal));
  return x < terminal.cols || (x === terminal.cols && (last.getChars() !== '' || last.getWidth() === 0));
}

/** One string for each cell, so that a difference is easy to read. */
function rowsOf(terminal: Terminal, buffer: CoreBuffer, cell: CoreCell): string[][] {
  return Array.from({ length: terminal.rows }, (_, row) => {
    const line = buffer.lines.get(buffer.ybase + row);
    return Array.from({ length: terminal.cols }, (_, column) => cellText(terminal, line.loadCell(column, cell), column));
  });
}

function cellText(terminal: Terminal, cell: CoreCell, column: number): string {
  const chars = column + cell.getWidth() > terminal.cols ? '' : cell.getChars();
  if (chars === '' && !showsWithoutText(cell)) return hasBackground(cell) ? selectBackground(cell) : '';
  return (chars || ' ') + attributesOf(cell) + linkOf(terminal, cell);
}
