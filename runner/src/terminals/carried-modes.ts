/** more kinds than these no honest program uses; the oldest are forgotten */
const MOST_KINDS = 200;
const CSI = /^(?:\x1b\[|\xc2\x9b)(\??)([\d;]*)([ !]?)([hlqpr])$/;
const ESCAPE = /^\x1b(?:([=>])|([()*+])[0-9A-Z=])$/;
const OSC = /^(?:\x1b\]|\xc2\x9d)(0|2|1[012]|11[012])(;[^]*)?$/;
const RESET = '\x1bc';

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

  /** @param sequence one whole control sequence, a character for each byte; OSC without its end */
  take(sequence: string): void {
    if (sequence === RESET) {
      this.#last.clear();
      this.#set('reset', RESET);
      return;
    }
    const csi = CSI.exec(sequence);
    if (csi !== null) return this.#takeCsi(csi[1] ?? '', csi[2] ?? '', (csi[3] ?? '') + (csi[4] ?? ''));
    const escape = ESCAPE.exec(sequence);
    if (escape !== null) return this.#set(escape[2] ?? 'keypad', sequence);
    const [osc, number = '', text = ''] = OSC.exec(sequence) ?? [];
    // a question would be answered again
    if (osc !== undefined && (number.length === 1 || !text.includes('?')))
      this.#set(number.length === 1 ? 'title' : `color ${number.slice(-1)}`, `\x1b]${number}${text}\x1b\\`);
  }

  #takeCsi(prefix: string, parameters: string, final: string): void {
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
