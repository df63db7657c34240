import type { Terminal } from '@xterm/headless';

/**
 * What we read of xterm.js behind its public interface, as of 6.0.0: much of a terminal's state has no public name.
 * The serializing tests fail when an update moves any of it.
 */
export interface Core {
  buffers: { normal: CoreBuffer; alt: CoreBuffer; active: CoreBuffer };
  coreService: {
    isCursorHidden: boolean;
    decPrivateModes: { cursorStyle: 'block' | 'underline' | 'bar' | undefined; cursorBlink: boolean | undefined };
  };
  coreMouseService: { activeEncoding: 'DEFAULT' | 'SGR' | 'SGR_PIXELS' };
  _charsetService: { charset: Charset; glevel: number; _charsets: Charset[] };
  _oscLinkService: { getLinkData(urlId: number): { id?: string; uri: string } | undefined };
  _inputHandler: {
    _curAttrData: CoreAttributes;
    _windowTitle: string;
    _parser: { currentState: number };
    _utf8Decoder: { interim: Uint8Array };
    parse(bytes: Uint8Array): void;
    onColor(listener: (events: ColorEvent[]) => void): void;
  };
}

/** compared by identity: xterm.js has one object for each character set, and none for ASCII */
export type Charset = Record<string, string> | undefined;

export interface ColorEvent {
  /** 0 asks, 1 sets, 2 restores */
  type: 0 | 1 | 2;
  /** of the palette; 256 to 258 are foreground, background and cursor; none means all of them */
  index?: number;
  color?: [red: number, green: number, blue: number];
}

export interface CoreBuffer {
  lines: { length: number; get(index: number): CoreLine };
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
  savedX: number;
  savedY: number;
  savedCurAttrData: CoreAttributes;
  savedCharset: Charset;
}

export interface CoreLine {
  isWrapped: boolean;
  loadCell(column: number, cell: CoreCell): CoreCell;
}

export interface CoreAttributes {
  fg: number;
  bg: number;
  /** `_ext`: as selected; `ext` would tell of links as dashed underlines */
  extended: { _ext: number; urlId: number; underlineColor: number };
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isProtected(): number;
}

export interface CoreCell extends CoreAttributes {
  getChars(): string;
  getWidth(): number;
}

export const coreOf = (terminal: Terminal): Core => (terminal as unknown as { _core: Core })._core;

/** A cell to load others into. */
export const makeCell = (terminal: Terminal): CoreCell => terminal.buffer.active.getNullCell() as unknown as CoreCell;

/** Whether the parser stands between two characters or sequences, so that another one can go on from here. */
export const isAtRest = ({ _inputHandler: { _parser, _utf8Decoder } }: Core): boolean =>
  _parser.currentState === 0 && _utf8Decoder.interim[0] === 0;
