/** more kinds than these no honest program uses; the oldest are forgotten */
const MOST_KINDS = 200;
const CSI = /^(\??)([\d;]*)([ !]?[hlqpr])$/;
const ESCAPE = /^(?:[=>]|([()*+])[0-9A-Z=])$/;
const OSC = /^(0|2|1[012]|11[012])(;[^]*)?$/;
const RESET = 'c';

/** DEC modes of which the last one decides, whatever their numbers */
const GROUPS: Record<string, string> = {
  ...Object.fromEntries(['9', '1000', '1002', '1003'].map((mode) => [mode, 'mouse'])),
  ...Object.fromEntries(['1006', '1016'].map((mode) => [mode, 'mouse encoding'])),
  ...Object.fromEntries(['47', '1047', '1049'].map((mode) => [mode, 'screen'])),
};
/** the saved cursor and synchronized output are no modes to carry */
const NO_MODES = ['1048', '2026'];

/**
 * The modes that output has set, as the last sequence of each kind, in their order. They carry a terminal over output that
 * it has not parsed: modes, margins, screen, keypad, character sets, cursor style, title, default colours. What was drawn
 * is not among them.
 */
export class CarriedModes {
  readonly #last = new Map<string, string>();
  #bytes: Uint8Array<ArrayBuffer> | null = null;

  /** The sequences that set them. */
  get bytes(): Uint8Array<ArrayBuffer> {
    this.#bytes ??= new Uint8Array(Buffer.from([...this.#last.values()].join(''), 'latin1'));
    return this.#bytes;
  }

  /** Takes an escape sequence, given without ESC. Here as below, a character stands for a byte. */
  takeEscape(sequence: string): void {
    const match = ESCAPE.exec(sequence);
    if (match !== null) this.#set(match[1] ?? 'keypad', `\x1b${sequence}`);
    if (sequence !== RESET) return;
    this.#last.clear();
    this.#set('reset', `\x1b${sequence}`);
  }

  /** Takes an operating system command, given without introducer and end. */
  takeOsc(command: string): void {
    const [whole, number = '', text = ''] = OSC.exec(command) ?? [];
    const isTitle = number.length === 1;
    // a question would be answered again
    if (whole !== undefined && (isTitle || !text.includes('?')))
      this.#set(isTitle ? 'title' : `color ${number.slice(-1)}`, `\x1b]${whole}\x1b\\`);
  }

  /** Takes a control sequence, given without introducer. */
  takeCsi(sequence: string): void {
    const [whole, prefix = '', parameters = '', final = ''] = CSI.exec(sequence) ?? [];
    if (whole === undefined) return;
    if (final === 'h' || final === 'l')
      for (const mode of parameters.split(';')) {
        if (prefix === '?' && NO_MODES.includes(mode)) continue;
        this.#set(prefix === '?' ? (GROUPS[mode] ?? `?${mode}`) : mode, `\x1b[${prefix}${mode}${final}`);
      }
    else if (prefix === '' && ['r', ' q', '!p'].includes(final)) this.#set(final, `\x1b[${parameters}${final}`);
  }

  #set(kind: string, sequence: string): void {
    this.#bytes = null;
    this.#last.delete(kind);
    this.#last.set(kind, sequence);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MOST_KINDS && oldest !== undefined) this.#last.delete(oldest);
  }
}
