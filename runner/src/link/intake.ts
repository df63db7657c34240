import type { Clock } from '../connection/clock.ts';

/** Fits whatever a person types, chords, answers of a terminal and reports of a mouse with it; bytes, and bytes a second. */
const TYPED = 4 * 1024;
const TYPED_PER_SECOND = 2 * 1024;
/** Two pastes of a person are further apart than this, and the frames of one are not. */
const PAUSE_MS = 250;

/**
 * SPEC D3: what one person puts into a workspace's terminals at once, over all their tabs. Nobody can tell a key from a paste by its
 * bytes; what comes faster than a person types is one.
 */
export class Intake {
  readonly #clock: Pick<Clock, 'now'>;
  #put = 0;
  #at = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Counts input. @param most bytes of one paste; @returns false where it is more than that at once, and then it is not counted */
  take(bytes: number, most: number): boolean {
    const now = this.#clock.now();
    const passed = now - this.#at;
    const left = Math.max(0, this.#put - (passed / 1000) * TYPED_PER_SECOND);
    // A pause begins another paste; what was typed goes by its rate alone.
    this.#put = passed >= PAUSE_MS ? Math.min(left, TYPED) : left;
    this.#at = now;
    if (this.#put + bytes > most + TYPED) return false;
    this.#put += bytes;
    return true;
  }
}
