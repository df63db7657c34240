import { afterAll, expect, it } from 'vitest';
import { PATIENCE_MS } from './predictor.ts';
import { FarTerminal } from './testing/far-terminal.ts';
import { PaperSurface } from './testing/paper-surface.ts';
import { FullScreen, Secret, Shell } from './testing/programs.ts';

const LONGEST_GAP_MS = 180;
const KEYS = [...'aaabbccde *x ', '\x7f', '\x7f', '\x1b[D', '\x1b[D', '\x1b[C', '\x1b[A', '\x01', '\t', 'pasted', '日'];
const COMMANDS = ['s\r', 'm\r', 'v\r'];

/** The same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function farFrom(random: () => number): FarTerminal {
  const commands = {
    s: (back: Shell) => new Secret(back),
    m: (back: Shell) => new Secret(back, '*'),
    v: (back: Shell) => new FullScreen(back),
  };
  return new FarTerminal(new Shell(commands), 40 + Math.floor(random() * 300), 12 + Math.floor(random() * 60));
}

/** Keys as a person presses them: some at random, some of commands, some ends of lines. */
function* keysFrom(random: () => number): Generator<string> {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  for (let turn = 0; turn < 120; turn += 1) {
    const chance = random();
    if (chance < 0.04) yield* ['\x03', ...pick(COMMANDS)];
    else if (chance < 0.09) yield '\r';
    else yield pick(KEYS);
  }
}

/** Looks at each change: nothing is shown for too long, and nothing at all where a password is asked for. */
class Witness {
  readonly #far: FarTerminal;
  readonly #since = new Map<string, number>();
  looks = 0;

  constructor(far: FarTerminal) {
    this.#far = far;
    far.onLook = () => this.#look();
  }

  #look(): void {
    const { prediction, clock, roundTrip, seen } = this.#far;
    const shown = (prediction?.cells ?? []).map(({ x, char }) => `${prediction?.row}:${x}:${char}`);
    for (const [cell, since] of this.#since) {
      expect(clock.now() - since).toBeLessThanOrEqual(roundTrip + PATIENCE_MS);
      if (!shown.includes(cell)) this.#since.delete(cell);
    }
    for (const cell of shown) if (!this.#since.has(cell)) this.#since.set(cell, clock.now());
    if (seen.startsWith('Password: ')) expect(prediction).toBeNull();
    if (prediction !== null) this.looks += 1;
  }
}

let looks = 0;

afterAll(() => expect(looks, 'predictions seen over all seeds').toBeGreaterThan(1_000));

it.each(Array.from({ length: 150 }, (_none, seed) => seed + 1))('typing at random, seed %i', (seed) => {
  const random = randomOf(seed);
  const far = farFrom(random);
  const witness = new Witness(far);
  for (const key of keysFrom(random)) {
    far.press(key);
    far.clock.advance(Math.floor(random() * LONGEST_GAP_MS));
  }
  looks += witness.looks;
  // what is under way arrives, and what is measured may lie above the truth by less than the truth
  far.clock.advance(2 * far.roundTrip + PATIENCE_MS);
  expect(far.prediction).toBeNull();
  expect(far.clock.planned).toEqual([]);
  const real = new PaperSurface(far.surface.cols);
  real.write(far.printed);
  expect([far.surface.text, far.surface.x]).toEqual([real.text, real.x]);
});
