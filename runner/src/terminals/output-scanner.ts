import { CarriedModes } from './carried-modes.ts';
import { cutIn } from './clean-cut.ts';

const ESC = 0x1b;
const LINE_FEED = 0x0a;
const BELL = 0x07;
const CANCEL = 0x18;
const SUBSTITUTE = 0x1a;
/** leads the two bytes of the eight-bit control characters, and of a few others */
const C1_LEAD = 0xc2;
const STRING_TERMINATOR = 0x9c;

/** A sequence that does not end is given up: what pretends to be in it is text. */
const LONGEST_SEQUENCE = 512 * 1024;
/** of a sequence of which the text matters */
const LONGEST_KEPT = 4096;

/** The states of xterm.js's parser, as far as they differ in what ends them. */
const GROUND = 0;
const ESCAPE = 1;
const ESCAPE_INTERMEDIATE = 2;
const CSI = 3;
const OSC = 4;
const DCS = 5;
const IGNORED_STRING = 6;

const AFTER_ESCAPE = new Map([...'[]PX^_'].map((char, index) => [char.charCodeAt(0), [CSI, OSC, DCS][index] ?? IGNORED_STRING]));
const AFTER_C1_LEAD = new Map([0x9b, 0x9d, 0x90, 0x98, 0x9e, 0x9f].map((byte, index) => [byte, [CSI, OSC, DCS][index] ?? IGNORED_STRING]));
/** the bracket that makes of an escape a control sequence */
const BRACKET = 0x5b;
/** whether a control sequence that ends so can set modes: with h, l, p, q or r */
const setsModes = (final: number): boolean => final === 0x68 || final === 0x6c || (final >= 0x70 && final <= 0x72);

/**
 * Looks through output without drawing it, much faster than a terminal can: finds where it can be cut, and what modes it sets.
 * Text is only searched for the next escape.
 */
export class OutputScanner {
  readonly #modes = new CarriedModes();
  #state = GROUND;
  #end: number;
  #clean: number | null;
  /** joined in its middle, output means nothing before its first line or sequence */
  #isLost: boolean;
  /** offset at which text was left for a sequence */
  #left = 0;
  /** of the sequence, as far as it was scanned before */
  #kept = '';
  /** where the sequence begins, or goes on, in what is scanned now */
  #begun = 0;

  /** @param start offset of the first byte that will be scanned */
  constructor(start: number) {
    this.#end = start;
    this.#clean = start === 0 ? 0 : null;
    this.#isLost = start > 0;
  }

  /** offset behind what is scanned */
  get end(): number {
    return this.#end;
  }

  /** the last offset at which the output can be cut; null before there is one */
  get clean(): number | null {
    return this.#clean;
  }

  /** the sequences that set all modes as they are at `clean` */
  get modes(): Uint8Array<ArrayBuffer> {
    return this.#modes.bytes;
  }

  /** Goes on at a later offset: the output before it is gone. */
  skipTo(offset: number): void {
    this.#state = GROUND;
    this.#end = offset;
    this.#clean = null;
    this.#isLost = true;
  }

  /** Scans the output that follows `end`; the last byte may be left for the next time. */
  scan(bytes: Uint8Array): void {
    const most = bytes[bytes.length - 1] === C1_LEAD ? bytes.length - 1 : bytes.length;
    let at = this.#isLost ? this.#find(bytes, most) : 0;
    /** where the text begins, whether that is all of it, and where it was left for the sequence that follows */
    let text = at;
    let isAll = at > 0;
    let left = -1;
    let c1 = -1;
    this.#begun = 0;
    while (at < most) {
      if (this.#state !== GROUND) {
        at = this.#sequence(bytes, at, most);
        if (this.#state !== GROUND) break;
        text = at;
        isAll = true;
        left = -1;
        continue;
      }
      if (c1 < at) c1 = nextC1(bytes, at, most);
      left = Math.min(nextEscape(bytes, at, most), c1);
      if (left >= most) break;
      this.#left = this.#end + left;
      this.#begin(left);
      this.#state = left === c1 ? (AFTER_C1_LEAD.get(bytes[left + 1] ?? 0) ?? GROUND) : ESCAPE;
      at = left === c1 ? left + 2 : left + 1;
    }
    const textEnd = this.#state === GROUND ? most : left;
    const cut = this.#isLost || textEnd < 0 ? null : (cutIn(bytes, text, textEnd) ?? (isAll ? text : null));
    if (cut !== null) this.#clean = this.#end + cut;
    this.#end += most;
    if (this.#state !== GROUND) this.#keep(bytes, most);
  }

  /** Where output that is joined in its middle begins to mean something. */
  #find(bytes: Uint8Array, most: number): number {
    const line = bytes.indexOf(LINE_FEED) + 1 || most;
    const escape = bytes.indexOf(ESC);
    const found = escape < 0 ? line : Math.min(line, escape);
    this.#isLost = found === most && bytes[most - 1] !== LINE_FEED;
    return found;
  }

  /** @returns where the sequence ends, and the text goes on */
  #sequence(bytes: Uint8Array, from: number, most: number): number {
    if (this.#state === ESCAPE && bytes[from] === BRACKET) {
      // nearly all sequences are such, and whole
      let end = from + 1;
      while (end < most && ((bytes[end] ?? 0) & 0xe0) === 0x20) end++;
      const final = bytes[end] ?? 0;
      if (end < most && final >= 0x40 && final < 0x7f) {
        this.#state = CSI;
        if (setsModes(final)) this.#take(bytes, end + 1);
        return this.#ground(end + 1);
      }
    }
    for (let at = from; at < most; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === ESC) {
        if (this.#state === OSC) this.#take(bytes, at);
        this.#begin(at);
        this.#state = ESCAPE;
      } else if (byte === CANCEL || byte === SUBSTITUTE) return this.#ground(at + 1);
      else if (byte >= 0x80) {
        const next = bytes[at + 1] ?? 0;
        if (byte === C1_LEAD && next < 0xa0) {
          if (this.#state === OSC && next === STRING_TERMINATOR) this.#take(bytes, at);
          const state = AFTER_C1_LEAD.get(next);
          if (state === undefined) return this.#ground(at + 2);
          this.#begin(at++);
          this.#state = state;
        } else if (this.#state !== OSC && this.#state !== DCS) return this.#ground(at);
      } else if (this.#ends(bytes, at, byte)) return this.#ground(at + 1);
    }
    return most;
  }

  /** Whether this byte, which is neither ESC nor beyond ASCII, ends the sequence. */
  #ends(bytes: Uint8Array, at: number, byte: number): boolean {
    if (this.#state === CSI) {
      if (byte < 0x40 || byte === 0x7f) return false;
      if (setsModes(byte)) this.#take(bytes, at + 1);
      return true;
    }
    if (this.#state === OSC) {
      if (byte === BELL) this.#take(bytes, at);
      return byte === BELL;
    }
    if (this.#state > OSC || byte < 0x20 || byte === 0x7f) return false;
    if (byte < 0x30) this.#state = ESCAPE_INTERMEDIATE;
    const introduced = this.#state === ESCAPE ? AFTER_ESCAPE.get(byte) : undefined;
    if (introduced !== undefined) this.#state = introduced;
    if (byte < 0x30 || introduced !== undefined) return false;
    this.#take(bytes, at + 1);
    return true;
  }

  #begin(at: number): void {
    this.#begun = at;
    this.#kept = '';
  }

  #ground(at: number): number {
    this.#state = GROUND;
    return at;
  }

  #take(bytes: Uint8Array, end: number): void {
    if (this.#kept.length + end - this.#begun > LONGEST_KEPT) return;
    const sequence = this.#kept + latin1(bytes, this.#begun, end);
    if (this.#state === CSI) this.#modes.takeCsi(sequence.slice(2));
    else if (this.#state === OSC) this.#modes.takeOsc(sequence.slice(2));
    else this.#modes.takeEscape(sequence.slice(1));
  }

  /** Keeps what there is of a sequence that goes on, or gives it up. */
  #keep(bytes: Uint8Array, most: number): void {
    if (this.#kept.length <= LONGEST_KEPT) this.#kept += latin1(bytes, this.#begun, Math.min(most, this.#begun + LONGEST_KEPT + 1));
    if (this.#end - this.#left <= LONGEST_SEQUENCE) return;
    this.#state = GROUND;
    this.#clean = this.#end;
  }
}

/** Close by, a loop is faster than the call. */
function nextEscape(bytes: Uint8Array, from: number, most: number): number {
  const near = Math.min(from + 64, most);
  for (let at = from; at < near; at++) if (bytes[at] === ESC) return at;
  const at = near === most ? -1 : asBuffer(bytes).indexOf(ESC, near);
  return at < 0 ? most : at;
}

function nextC1(bytes: Uint8Array, from: number, most: number): number {
  const buffer = asBuffer(bytes);
  let at = buffer.indexOf(C1_LEAD, from);
  while (at >= 0 && at < most && !AFTER_C1_LEAD.has(bytes[at + 1] ?? 0)) at = buffer.indexOf(C1_LEAD, at + 1);
  return at < 0 ? most : at;
}

/** a character for each byte */
const latin1 = (bytes: Uint8Array, from: number, to: number): string => asBuffer(bytes).toString('latin1', from, to);

/** The same bytes; only a buffer searches with the processor's help. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
