/** Controls that matter to a string of a terminal. Those of the second set (C1) come as two bytes in UTF-8. */
const [BEL, CAN, SUB, ESC, C1_LEAD, C1_OSC] = [0x07, 0x18, 0x1a, 0x1b, 0xc2, 0x9d];
const [DIGIT_0, DIGIT_9, SEMICOLON, BRACKET] = [0x30, 0x39, 0x3b, 0x5d];
const FIRST_PRINTED = 0x20;
/** `OSC 52 ; … ; base64` writes to the clipboard of whoever looks. */
const CLIPBOARD = 52;
const MOST_ID = 1_000_000;

/** Where in a sequence the next byte stands. */
type Place = 'text' | 'escape' | 'number' | 'string' | 'target' | 'copy';

/**
 * SPEC D4: takes out of a terminal's output what a program writes to the clipboard of its viewers by itself, beyond a bound. What is
 * taken out becomes NUL byte by byte, which a screen passes over, so that all offsets stay.
 */
export class CopyMask {
  readonly #most: () => number | null;
  #place: Place = 'text';
  /** the byte before was the first of a C1 control, perhaps */
  #led = false;
  #id = 0;
  #copied = 0;

  /** @param most bytes that one copy may have; null: any */
  constructor(most: () => number | null) {
    this.#most = most;
  }

  /** The output as it may be shown: the same bytes, or a copy of them. */
  pass(bytes: Uint8Array): Uint8Array {
    const most = this.#most();
    // Nearly all output: nothing to look at byte by byte.
    if (most === null || (this.#place === 'text' && !bytes.includes(ESC) && !bytes.includes(C1_LEAD))) return bytes;
    let shown = bytes;
    for (let at = 0; at < bytes.byteLength; at += 1) {
      if (!this.#hides(bytes[at] ?? 0, most)) continue;
      if (shown === bytes) shown = Uint8Array.from(bytes);
      shown[at] = 0;
    }
    return shown;
  }

  /** Takes one byte; whether it belongs to a copy that is too long. */
  #hides(byte: number, most: number): boolean {
    const isC1 = this.#led && byte >= 0x80 && byte < 0xa0;
    this.#led = byte === C1_LEAD;
    if (byte === ESC) this.#place = 'escape';
    else if (isC1) this.#begin(byte === C1_OSC);
    else if (byte === CAN || byte === SUB || (byte === BEL && this.#place !== 'escape')) this.#place = 'text';
    // Within a sequence a screen passes over the others; what leads a C1 may be its end.
    else if (byte >= FIRST_PRINTED && byte !== C1_LEAD) return this.#takes(byte, most);
    return false;
  }

  #takes(byte: number, most: number): boolean {
    switch (this.#place) {
      case 'text':
      case 'string':
        return false;
      case 'escape':
        this.#begin(byte === BRACKET);
        return false;
      case 'number':
        if (byte >= DIGIT_0 && byte <= DIGIT_9) this.#id = Math.min(MOST_ID, this.#id * 10 + byte - DIGIT_0);
        else this.#place = byte === SEMICOLON && this.#id === CLIPBOARD ? 'target' : 'string';
        return false;
      case 'target':
        if (byte === SEMICOLON) this.#place = 'copy';
        return false;
      case 'copy':
        this.#copied += 1;
        // Four characters of base64 are three bytes.
        return this.#copied > Math.ceil(most / 3) * 4;
    }
  }

  #begin(isString: boolean): void {
    this.#place = isString ? 'number' : 'text';
    this.#id = 0;
    this.#copied = 0;
  }
}
