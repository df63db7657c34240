import { LIMITS } from '@gatehouse/core/protocol/connection.ts';

/** a window, and as much again that was sent on a connection before and is sent anew (SPEC T5) */
const MOST = 2 * LIMITS.window;

interface Direction {
  /** offset behind the last byte that came, and behind the last that was acknowledged */
  received: number;
  taken: number;
}

/** What a viewer has sent, on all its streams, and was not acknowledged: this runner's memory has to hold it (SPEC W2). */
export class Untaken {
  readonly #streams = new Map<number, Direction>();
  #bytes = 0;

  /** @returns false when the viewer does not keep to its window */
  received(stream: number, offset: number, bytes: number): boolean {
    const direction = this.#streams.get(stream) ?? { received: offset, taken: offset };
    this.#streams.set(stream, direction);
    // whoever leaves a gap is refused by the service itself
    const fresh = offset > direction.received ? bytes : Math.max(0, offset + bytes - direction.received);
    direction.received += fresh;
    this.#bytes += fresh;
    return this.#bytes <= MOST;
  }

  taken(stream: number, offset: number): void {
    const direction = this.#streams.get(stream);
    if (direction === undefined) return;
    const taken = Math.max(0, Math.min(offset, direction.received) - direction.taken);
    direction.taken += taken;
    this.#bytes -= taken;
  }

  /** The stream is over: nothing of it is held any more. */
  forget(stream: number): void {
    const direction = this.#streams.get(stream);
    if (direction !== undefined) this.#bytes -= direction.received - direction.taken;
    this.#streams.delete(stream);
  }
}
