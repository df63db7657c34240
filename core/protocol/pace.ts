import { LIMITS } from './connection.ts';

const STEP = 32 * 1024;
const LEAST = 2 * LIMITS.ackEvery;
/** milliseconds that bulk may stand in queues on the way, more than the way itself takes */
const QUEUE_MS = 8;
/** how long the shortest way is believed: networks change */
const BELIEVED_MS = 10_000;

/**
 * SPEC W5: how much bulk is on the way at once. What is sent later, a keystroke's echo say, waits behind it in
 * every buffer of the way, so it grows only while acknowledgements come about as soon as they can.
 */
export class Pace {
  #window = LEAST;
  #shortest = Infinity;
  #candidate = Infinity;
  #since = 0;

  /** bytes of bulk that may be on the way */
  get window(): number {
    return this.#window;
  }

  /** An acknowledgement came at `now` for what was sent at `sentAt`, both in milliseconds. */
  acknowledged(sentAt: number, now: number): void {
    const took = now - sentAt;
    this.#remember(took, now);
    if (took <= this.#shortest + QUEUE_MS) this.#window = Math.min(LIMITS.window, this.#window + STEP);
    else this.#window = Math.max(LEAST, this.#window - 2 * STEP);
  }

  #remember(took: number, now: number): void {
    if (now - this.#since > BELIEVED_MS) {
      this.#since = now;
      this.#shortest = Math.min(this.#candidate, took);
      this.#candidate = took;
    }
    this.#candidate = Math.min(this.#candidate, took);
    this.#shortest = Math.min(this.#shortest, took);
  }
}
