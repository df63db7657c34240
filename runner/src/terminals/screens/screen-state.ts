import type { Terminal } from '@xterm/headless';
import { extendedOf, selectAttributes, underlineColor, underlineOf } from './attributes.ts';
import { BufferText, linkTo } from './buffer-text.ts';
import type { Charsets } from './charsets.ts';
import type { Palette } from './palette.ts';
import { coreOf, makeCell, type Core, type CoreBuffer } from './xterm-core.ts';

const PLAIN = '\x1b[m';
const MOUSE = { none: '', x10: '\x1b[?9h', vt200: '\x1b[?1000h', drag: '\x1b[?1002h', any: '\x1b[?1003h' };
const MOUSE_ENCODING = { DEFAULT: '', SGR: '\x1b[?1006h', SGR_PIXELS: '\x1b[?1016h' };
const CURSOR_STYLE = { block: 1, underline: 3, bar: 5 };

/**
 * A terminal as the output that brings a fresh one of its size to the same state: all lines it keeps, in colour,
 * both screens, cursor, selected attributes, margins, tab stops, character sets, modes, title and changed colours.
 *
 * Left out: synchronized output, which is over in a moment; icon names; a cell that lost its character but kept an
 * underline or an inverse becomes a space; a first line whose beginning has scrolled away begins as a line of its own.
 */
export function screenState(terminal: Terminal, charsets: Charsets, palette: Palette): string {
  const core = coreOf(terminal);
  const text = new BufferText(core, makeCell(terminal), terminal.cols);
  const { normal, alt, active } = core.buffers;
  const parts = [text.lines(normal), saved(normal, terminal.cols, charsets), tabStops(normal, terminal.cols)];
  if (active === alt) {
    parts.push(
      margins(normal, terminal.rows),
      `\x1b[${normal.y + 1}H`,
      '\x1b[?47h\x1b[H',
      text.lines(alt),
      saved(alt, terminal.cols, charsets),
    );
    parts.push(tabStops(alt, terminal.cols));
  }
  parts.push(margins(active, terminal.rows), cursor(terminal, active, text), selected(core), charsets.select(core._charsetService));
  parts.push(modes(terminal, core), palette.changes());
  if (core._inputHandler._windowTitle !== '') parts.push(`\x1b]2;${core._inputHandler._windowTitle}\x1b\\`);
  return parts.join('');
}

/** What the program saved of the cursor, saved again. */
function saved(buffer: CoreBuffer, cols: number, charsets: Charsets): string {
  const { savedX, savedCurAttrData, savedCharset, lines, ybase } = buffer;
  const row = Math.min(Math.max(buffer.savedY - ybase, 0), lines.length - ybase - 1);
  const column = Math.min(savedX, cols - 1);
  const attributes = selectAttributes(savedCurAttrData);
  if (column === 0 && row === 0 && attributes === PLAIN && savedCharset === undefined) return '';
  return `\x1b[${row + 1};${column + 1}H${attributes}${charsets.asG0(savedCharset)}\x1b7${PLAIN}${charsets.asG0(undefined)}`;
}

/** Behind the last column the cursor stands only after a character, which is written again. */
function cursor(terminal: Terminal, active: CoreBuffer, text: BufferText): string {
  const { originMode } = terminal.modes;
  const { x, y } = active;
  const last = x < terminal.cols ? null : text.last(active);
  const row = originMode ? Math.max(0, y - active.scrollTop) : y;
  return `${originMode ? '\x1b[?6h' : ''}\x1b[${row + 1};${(last?.column ?? x) + 1}H${last?.text ?? ''}`;
}

const margins = ({ scrollTop, scrollBottom }: CoreBuffer, rows: number): string =>
  scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;

function tabStops({ tabs }: CoreBuffer, cols: number): string {
  const stops = Array.from({ length: cols }, (_, column) => column).filter((column) => tabs[column]);
  const usual = stops.length === Math.ceil(cols / 8) && stops.every((column) => column % 8 === 0);
  return usual ? '' : `\x1b[3g${stops.map((column) => `\x1b[${column + 1}G\x1bH`).join('')}`;
}

function selected(core: Core): string {
  const attributes = core._inputHandler._curAttrData;
  const { urlId } = extendedOf(attributes);
  // a colour may be selected before there is an underline
  const colors = underlineOf(attributes) > 0 ? [] : underlineColor(attributes.extended);
  return selectAttributes(attributes) + colors.map((code) => `\x1b[${code}m`).join('') + (urlId === 0 ? '' : linkTo(core, urlId));
}

function modes(terminal: Terminal, { coreService, coreMouseService }: Core): string {
  const is = terminal.modes;
  const { cursorStyle, cursorBlink } = coreService.decPrivateModes;
  const set = [
    [is.applicationCursorKeysMode, '\x1b[?1h'],
    [is.applicationKeypadMode, '\x1b='],
    [is.bracketedPasteMode, '\x1b[?2004h'],
    [is.insertMode, '\x1b[4h'],
    [is.reverseWraparoundMode, '\x1b[?45h'],
    [is.sendFocusMode, '\x1b[?1004h'],
    [is.wraparoundMode, '\x1b[?7h'],
    [terminal.options.convertEol, '\x1b[20h'],
    [terminal.options.cursorBlink === false, '\x1b[?12l'],
    [coreService.isCursorHidden, '\x1b[?25l'],
  ] as const;
  const style = cursorStyle === undefined ? '' : `\x1b[${CURSOR_STYLE[cursorStyle] + (cursorBlink ? 0 : 1)} q`;
  const mouse = MOUSE[is.mouseTrackingMode] + MOUSE_ENCODING[coreMouseService.activeEncoding];
  return set.map(([on, sequence]) => (on ? sequence : '')).join('') + style + mouse;
}
