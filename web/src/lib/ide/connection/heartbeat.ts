import type { Clock } from './ports.ts';

/** so that a busy moment after connecting does not pass for distance */
const FIRST_MS = 1_000;
const EVERY_MS = 20_000;
const PATIENCE_MS = 10_000;
/** where there is reason to doubt that the socket still leads anywhere */
const DOUBT_MS = 3_000;

export interface HeartbeatEvents {
  ping(): void;
  /** @param latency milliseconds from ping to pong */
  alive(latency: number): void;
  /** nothing came in time */
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
    this.#plan(FIRST_MS, () => this.#ask());
  }

  /** Something may have cut the connection: asks now, and waits less for the answer. */
  doubt(): void {
    if (this.#asked === null) this.#ask();
    this.#expect(DOUBT_MS);
  }

  /** Something came. Behind much output a pong may take long, but who speaks is not dead. */
  heard(): void {
    if (this.#asked !== null) this.#expect(PATIENCE_MS);
  }

  pong(): void {
    if (this.#asked === null) return;
    const latency = this.#clock.now() - this.#asked;
    this.#asked = null;
    this.#plan(EVERY_MS, () => this.#ask());
    this.#events.alive(latency);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#asked = null;
  }

  #ask(): void {
    this.#asked = this.#clock.now();
    this.#events.ping();
    this.#expect(PATIENCE_MS);
  }

  #expect(within: number): void {
    this.#plan(within, () => {
      this.stop();
      this.#events.dead();
    });
  }

  #plan(ms: number, run: () => void): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(ms, run);
  }
}
