const SMOOTHING = 1 / 4;
/** a program that thought for long says nothing about the way to it */
const LONGEST_MS = 2_000;
const FAR_MS = 30;
const NEAR_MS = 20;

/** How long a key takes to come back, in milliseconds: from echoes, and before the first from what the connection measured. */
export class RoundTrip {
  readonly #measured: () => number | null;
  #echo: number | null = null;
  #far = false;

  /** @param measured milliseconds to the broker and back; null before it is known */
  constructor(measured: () => number | null) {
    this.#measured = measured;
  }

  get ms(): number {
    return Math.min(LONGEST_MS, this.#echo ?? this.#measured() ?? 0);
  }

  /** Whether it is felt. Two thresholds, so that it does not flicker between them. */
  get far(): boolean {
    return (this.#far = this.ms > (this.#far ? NEAR_MS : FAR_MS));
  }

  echoed(ms: number): void {
    const sample = Math.min(LONGEST_MS, ms);
    this.#echo = this.#echo === null ? sample : this.#echo + (sample - this.#echo) * SMOOTHING;
  }
}

const FLOOD_BYTES = 8 * 1024;
const DRAINED_PER_MS = 16;

/** Whether so much output comes that its lines are nobody's typing: a bucket that leaks. */
export class FloodGauge {
  #level = 0;
  #at = 0;

  /** @param now milliseconds @param bytes of output that came now */
  flooding(now: number, bytes = 0): boolean {
    const left = Math.max(0, this.#level - (now - this.#at) * DRAINED_PER_MS);
    this.#level = Math.min(2 * FLOOD_BYTES, left + bytes);
    this.#at = now;
    return this.#level > FLOOD_BYTES;
  }
}
