import type { Clock } from './ports.ts';

/** so that a busy moment after connecting does not pass for distance */
const FIRST_MS = 1_000;
const EVERY_MS = 20_000;
const PATIENCE_MS = 10_000;

export interface HeartbeatEvents {
  ping(): void;
  /** @param latency milliseconds from ping to pong */
  alive(latency: number): void;
  /** no pong came in time */
  dead(): void;
}

/** SPEC F6: asks whether the other end is there, and measures how far away it is. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #events: HeartbeatEvents;
  #cancel: (() => void) | null = null;
  #asked: number | null = null;

  constructor(clock: Clock, events: HeartbeatEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  start(): void {
    this.stop();
    this.#cancel = this.#clock.after(FIRST_MS, () => this.beat());
  }

  /** Asks now, and then again every 20 s until `stop`. */
  beat(): void {
    if (this.#asked !== null) return;
    this.#cancel?.();
    this.#asked = this.#clock.now();
    this.#events.ping();
    this.#cancel = this.#clock.after(PATIENCE_MS, () => {
      this.stop();
      this.#events.dead();
    });
  }

  pong(): void {
    if (this.#asked === null) return;
    const latency = this.#clock.now() - this.#asked;
    this.#asked = null;
    this.#cancel?.();
    this.#cancel = this.#clock.after(EVERY_MS, () => this.beat());
    this.#events.alive(latency);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#asked = null;
  }
}
