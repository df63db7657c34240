import type { Clock } from '../../connection/ports.ts';
import { FloodGauge, RoundTrip } from './gauges.ts';
import { applied, difference, editOf, endOf, isSimple, type Edit, type Line } from './line.ts';
import type { Mark, Prediction, Surface, Surroundings } from './ports.ts';

/** What has not come back this long after a round trip is not coming, or the program does not echo. */
export const PATIENCE_MS = 500;
/** Further away than this, or after this long, what is shown is marked as uncertain. */
const DOUBT_ROUND_TRIP_MS = 120;
const DOUBT_MS = 250;
/** Programs that hide a password print stars, and a space proves nothing: neither shows that typed text is echoed. */
const PROVES_NOTHING = '* ';
/** Prompts after which nothing is guessed, whatever comes back. */
const ASKS_FOR_SECRET = /(?:pass(?:w|phrase|code)|secret|\bpin\b).*[:?] *$/i;

interface Sent {
  readonly edit: Edit;
  readonly at: number;
}

/** The line that is being typed, as the terminal shows it. */
interface Ground {
  readonly mark: Mark;
  readonly line: Line;
  /** what stood right of the cursor at first: pushed along by typing, or only suggested by the shell */
  readonly tail: string;
}

/**
 * Guesses what the program will print in answer to keys that are on their way to it. After each output the screen
 * must look as after some of these keys; those are done, the rest is drawn over it. Where it does not, an epoch
 * ends: guesses stay hidden until one came true, so that where nothing is echoed, nothing typed is ever shown.
 * Anything but plain keys ends the epoch too.
 */
export class Predictor {
  readonly #surface: Surface;
  readonly #clock: Clock;
  readonly #surroundings: Surroundings;
  readonly #draw: (prediction: Prediction | null) => void;
  readonly #roundTrip: RoundTrip;
  readonly #flood = new FloodGauge();
  /** whether a guess of this epoch came true */
  #proved = false;
  #ground: Ground | null = null;
  /** keys whose effect has not been seen, oldest first */
  #sent: Sent[] = [];
  #drawn = false;
  #cancel: (() => void) | null = null;

  /** @param draw shows a prediction instead of the one before; null takes it away */
  constructor(surface: Surface, clock: Clock, surroundings: Surroundings, draw: (prediction: Prediction | null) => void) {
    this.#surface = surface;
    this.#clock = clock;
    this.#surroundings = surroundings;
    this.#draw = draw;
    this.#roundTrip = new RoundTrip(() => surroundings.latency());
  }

  /** Text was sent to the program: one key's, or a paste. */
  typed(text: string): void {
    const edit = editOf(text);
    if (edit === null) return;
    if (!this.#possible()) return this.reset();
    if (this.#sent.length === 0 && (this.#ground === null || !this.#isOnScreen(this.#ground.line))) this.#begin();
    this.#sent.push({ edit, at: this.#clock.now() });
    this.#ground ??= this.#here();
    this.#refresh();
  }

  /** The terminal has parsed some of the program's output. */
  output(bytes: number): void {
    if (!this.#possible(bytes)) return this.reset();
    if (this.#ground === null) return;
    const lines = this.#ahead(this.#ground.line);
    const seen = lines.findLastIndex((line) => this.#isOnScreen(line));
    const line = lines[seen];
    if (line === undefined) this.#surprised(lines.length - 1);
    else if (seen > 0) this.#confirm(this.#ground, line, seen);
    this.#refresh();
  }

  /** Forgets all guesses, as after a change of size. */
  reset(): void {
    this.#sent = [];
    this.#begin();
    this.#refresh();
  }

  #possible(bytes = 0): boolean {
    const flooding = this.#flood.flooding(this.#clock.now(), bytes);
    return !flooding && !this.#surface.alternate && this.#surroundings.drives() && this.#surroundings.mode() !== 'off';
  }

  /** The line now and after each key that can be foreseen. */
  #ahead(line: Line): [Line, ...Line[]] {
    const lines: [Line, ...Line[]] = [line];
    for (const { edit } of this.#sent) {
      const next = applied(lines.at(-1) ?? line, edit, this.#surface.cols);
      if (next === null) break;
      lines.push(next);
    }
    return lines;
  }

  #isOnScreen(line: Line): boolean {
    const { row, x } = this.#surface;
    return this.#ground?.mark.line === row && x === line.x && this.#stands(line.text, line.start);
  }

  #stands(text: string, from: number): boolean {
    const { row } = this.#surface;
    return [...text].every((char, at) => this.#surface.cell(row, from + at) === char);
  }

  #confirm(ground: Ground, line: Line, count: number): void {
    const echoed = this.#sent.splice(0, count);
    this.#roundTrip.echoed(this.#clock.now() - (echoed.at(-1)?.at ?? 0));
    this.#ground = { ...ground, line };
    if (this.#proved || !echoed.some(({ edit }) => edit.kind === 'insert' && !PROVES_NOTHING.includes(edit.char))) return;
    this.#proved = !ASKS_FOR_SECRET.test(this.#prompt(line));
    const pushed = line.x === endOf(line) && this.#stands(ground.tail, line.x);
    if (pushed) this.#ground = { ...ground, line: { ...line, text: line.text + ground.tail } };
  }

  /** what stands left of the line that is being typed */
  #prompt({ start }: Line): string {
    const { row } = this.#surface;
    return Array.from({ length: start }, (_none, x) => this.#surface.cell(row, x)).join('');
  }

  /** @param foreseen how many keys could be: the one behind them did this, or else the program does not echo as thought */
  #surprised(foreseen: number): void {
    this.#sent.splice(0, foreseen < this.#sent.length ? foreseen + 1 : 0);
    this.#sent.splice(0, this.#alreadyEchoed());
    this.#begin();
  }

  /** How many of the keys stand left of the cursor already, as when the shell repeats what was typed before its prompt. */
  #alreadyEchoed(): number {
    const { row, x } = this.#surface;
    for (let count = Math.min(this.#sent.length, x); count > 0; count -= 1) {
      const stands = ({ edit }: Sent, at: number) => edit.kind === 'insert' && this.#surface.cell(row, x - count + at) === edit.char;
      if (this.#sent.slice(0, count).every(stands)) return count;
    }
    return 0;
  }

  /** Begins an epoch at the cursor, wherever it is now. */
  #begin(): void {
    this.#ground?.mark.dispose();
    this.#proved = false;
    this.#ground = this.#sent.length === 0 ? null : this.#here();
  }

  #here(): Ground {
    const { x, row, cols } = this.#surface;
    let tail = '';
    for (let at = x; at < cols && !tail.endsWith('  '); at += 1) tail += this.#surface.cell(row, at);
    tail = tail.trimEnd();
    return { mark: this.#surface.mark(), line: { start: x, text: '', x }, tail: [...tail].every(isSimple) ? tail : '' };
  }

  #refresh(): void {
    this.#cancel?.();
    this.#cancel = null;
    const oldest = this.#sent[0];
    const age = oldest === undefined ? 0 : this.#clock.now() - oldest.at;
    if (oldest !== undefined) this.#cancel = this.#clock.after((age < DOUBT_MS ? DOUBT_MS : this.#patience) - age, () => this.#waited());
    const prediction = this.#prediction(age >= DOUBT_MS);
    if (prediction !== null || this.#drawn) this.#draw(prediction);
    this.#drawn = prediction !== null;
  }

  /** whole milliseconds, so that a timer set for it finds it over */
  get #patience(): number {
    return Math.ceil(this.#roundTrip.ms) + PATIENCE_MS;
  }

  #waited(): void {
    const before = this.#sent.length;
    this.#sent = this.#sent.filter(({ at }) => this.#clock.now() - at < this.#patience);
    if (this.#sent.length < before) this.#begin();
    this.#refresh();
  }

  #prediction(late: boolean): Prediction | null {
    if (this.#ground === null || !this.#proved || !(this.#roundTrip.far || this.#surroundings.mode() === 'always')) return null;
    const { line, mark } = this.#ground;
    const lines = this.#ahead(line);
    const wanted = lines.at(-1) ?? line;
    if (lines.length === 1) return null;
    const row = mark.line;
    const cells = difference(line, wanted);
    const charAt = (x: number) => wanted.text[x - wanted.start] ?? this.#surface.cell(row, x);
    // the terminal's own cursor is covered too
    if (cells.every(({ x }) => x !== line.x)) cells.push({ x: line.x, char: charAt(line.x) });
    const cursor = { x: wanted.x, char: charAt(wanted.x) };
    return { row, cells, cursor, doubtful: late || this.#roundTrip.ms > DOUBT_ROUND_TRIP_MS };
  }
}
