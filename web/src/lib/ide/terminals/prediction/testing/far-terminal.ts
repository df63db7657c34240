import { ManualClock } from '../../../testing/manual-clock.ts';
import type { EchoMode } from '@gatehouse/core/api/ide-settings.ts';
import type { Prediction } from '../ports.ts';
import { Predictor } from '../predictor.ts';
import { PaperSurface } from './paper-surface.ts';
import type { Program } from './programs.ts';

/** A terminal whose program is far away: keys and output take half a round trip each. */
export class FarTerminal {
  readonly clock = new ManualClock();
  readonly surface: PaperSurface;
  readonly predictor: Predictor;
  /** milliseconds */
  roundTrip: number;
  mode: EchoMode = 'automatic';
  drives = true;
  prediction: Prediction | null = null;
  /** called whenever what a person sees may have changed */
  onLook: () => void = () => undefined;
  /** everything the program printed, whether it has arrived or not */
  printed = '';
  #program: Program;

  constructor(program: Program, roundTrip = 200, cols = 80) {
    this.#program = program;
    this.roundTrip = roundTrip;
    this.surface = new PaperSurface(cols);
    const surroundings = { mode: () => this.mode, drives: () => this.drives, latency: () => this.roundTrip };
    this.predictor = new Predictor(this.surface, this.clock, surroundings, (prediction) => {
      this.prediction = prediction;
      this.onLook();
    });
    this.printed = program.greeting;
    this.arrive(program.greeting);
  }

  /** One key, or a paste. */
  press(key: string): void {
    this.predictor.typed(key);
    this.clock.after(this.roundTrip / 2, () => {
      const answer = this.#program.key(key);
      if (typeof answer !== 'string') this.#program = answer.next;
      this.print(typeof answer === 'string' ? answer : answer.output);
    });
  }

  /** Single keys, one right after the other. */
  type(keys: string): void {
    for (const key of keys) this.press(key);
  }

  /** The program prints something; it arrives half a round trip later. */
  print(output: string): void {
    this.printed += output;
    if (output !== '') this.clock.after(this.roundTrip / 2, () => this.arrive(output));
  }

  arrive(output: string): void {
    this.surface.write(output);
    this.predictor.output(output.length);
    this.onLook();
  }

  /** Lets everything that is under way arrive. */
  settle(): void {
    this.clock.advance(this.roundTrip);
  }

  /** the cursor's line as a person sees it, with the cursor as `|` */
  get seen(): string {
    const row = this.prediction?.row ?? this.surface.row;
    const chars = Array.from({ length: this.surface.cols }, (_none, x) => this.surface.cell(row, x));
    for (const { x, char } of this.prediction?.cells ?? []) chars[x] = char;
    const cursor = this.prediction?.cursor.x ?? this.surface.x;
    return `${chars.slice(0, cursor).join('')}|${chars.slice(cursor).join('').trimEnd()}`;
  }
}
