import { VirtualClock } from '../../../support/virtual-clock.ts';
import { Chance } from '../../../support/chance.ts';
import { CryptoTurns } from './crypto-turns.ts';

/** Time and chance of one simulation: while it lasts, nothing else has its own. */
export class World {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly #turns = new CryptoTurns();
  readonly #rules: (() => void)[] = [];

  /** What goes over wires, in one number: two courses of things that are the same have the same. */
  trace = 0;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    Object.defineProperty(performance, 'now', { configurable: true, value: () => this.clock.now() });
  }

  /** @param bytes on a wire now */
  note(bytes: number): void {
    this.trace = (Math.imul(this.trace, 31) + Math.round(this.clock.now() * 1000) + bytes) | 0;
  }

  /** @param rule is looked at after each thing that happens; throws when it is broken */
  always(rule: () => void): void {
    this.#rules.push(rule);
  }

  settled(): Promise<void> {
    return this.#turns.settled();
  }

  /** Lets so many milliseconds pass. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.step(end)) {
      await this.#turns.settled();
      for (const rule of this.#rules) rule();
    }
    this.clock.pass(end - this.clock.now());
  }

  /** All clocks and WebCrypto are again as they were. */
  end(): void {
    Reflect.deleteProperty(performance, 'now');
    this.#turns.end();
  }
}
