import type { Clock } from './ports.ts';

const LOOK_MS = 2_000;
const LATE_MS = 3_000;

/** Notices that the machine slept: a timer came much too late. What was connected then may be dead without a word. */
export class SleepWatch {
  readonly #clock: Clock;
  readonly #woke: () => void;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, woke: () => void) {
    this.#clock = clock;
    this.#woke = woke;
  }

  start(): void {
    this.stop();
    const due = this.#clock.now() + LOOK_MS;
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      const late = this.#clock.now() - due;
      this.start();
      if (late > LATE_MS) this.#woke();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
