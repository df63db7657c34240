import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import * as audit from '#lib/api/audit.ts';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { Fresh } from './fresh.ts';

const PAGE = 100;
/** Events that wait at most: more than that is read anew instead. */
const MOST_WAITING = 1_000;
/** Answers without enough to show, until somebody says that it should go on looking. */
const ROUNDS = 20;

/** Events that are drawn and put away together. */
export interface Block {
  key: number;
  events: readonly AuditEvent[];
}

/** Events, newest first. New ones wait until they are asked for, or come at once where the log is followed. */
export class AuditLog {
  blocks = $state.raw<readonly Block[] | null>(null);
  nextCursor = $state<string | null>(null);
  waiting = $state.raw<readonly AuditEvent[]>([]);
  /** more arrived than can wait: showing them starts anew */
  overflown = $state(false);
  /** new events are shown at once */
  follow = $state(false);
  /** the archive was read back to that time, for want of events that fit */
  lookedBackTo = $state<string | null>(null);
  /** it looked far for little, and goes on when it is told to */
  paused = $state(false);
  problem = $state.raw<ApiProblem | null>(null);
  busy = $state(false);
  readonly #fresh = new Fresh();
  #keys = 0;
  #query: () => audit.AuditQuery = () => ({});
  /** the query of what is shown: a cursor belongs to it, to the millisecond of its range */
  #shown: audit.AuditQuery = {};
  #running: AbortController | null = null;
  readonly #read: typeof audit.events;

  constructor(read: typeof audit.events = audit.events) {
    this.#read = read;
  }

  get count(): number {
    return (this.blocks ?? []).reduce((total, { events }) => total + events.length, 0);
  }

  /** Begins with the newest events of a filter. @param query made anew whenever one looks, because ranges end now */
  async load(query: () => audit.AuditQuery): Promise<void> {
    this.#query = query;
    this.blocks = null;
    this.nextCursor = null;
    this.lookedBackTo = null;
    this.waiting = [];
    this.overflown = false;
    this.#fresh.forget();
    await this.#attempt((signal) => {
      this.#shown = query();
      return this.#fill(null, signal);
    });
  }

  /** The next older events. */
  async more(): Promise<void> {
    const cursor = this.nextCursor;
    if (cursor === null || this.busy) return;
    await this.#attempt((signal) => this.#fill(cursor, signal));
  }

  /** Takes events that were just recorded, in their order. What is there already is passed over. */
  receive(arrived: readonly AuditEvent[]): void {
    const fresh = this.#fresh.of(arrived).reverse();
    if (fresh.length === 0) return;
    if (this.follow) this.#prepend(fresh);
    else if (!this.overflown) {
      this.waiting = [...fresh, ...this.waiting];
      this.overflown = this.waiting.length > MOST_WAITING;
      if (this.overflown) this.waiting = [];
    }
  }

  /** Shows the events that wait. */
  async show(): Promise<void> {
    if (this.overflown) {
      await this.load(this.#query);
      return;
    }
    const waiting = this.waiting;
    this.waiting = [];
    this.#prepend(waiting);
  }

  /** Stops looking for older events: what was found stays. */
  halt(): void {
    this.stop();
    this.busy = false;
    this.paused = this.nextCursor !== null;
  }

  stop(): void {
    this.#running?.abort();
  }

  /** New events stand in the first block until that is full, so that the others stay as they are. */
  #prepend(events: readonly AuditEvent[]): void {
    const [first, ...others] = this.blocks ?? [];
    if (first !== undefined && first.key < 0 && first.events.length + events.length <= PAGE)
      this.blocks = [{ key: first.key, events: [...events, ...first.events] }, ...others];
    else this.blocks = [{ key: -(this.#keys += 1), events }, ...(this.blocks ?? [])];
  }

  /** Adds older events until a page is full or the log begins: an answer may hold few or none and still lead further. */
  async #fill(from: string | null, signal: AbortSignal): Promise<void> {
    let wanted = PAGE;
    let cursor = from;
    let rounds = 0;
    this.paused = false;
    do {
      rounds += 1;
      const page = await this.#read({ ...this.#shown, limit: wanted, ...(cursor === null ? {} : { cursor }) }, { signal });
      const events = this.#fresh.of(page.items);
      this.blocks = [...(this.blocks ?? []), ...(events.length === 0 ? [] : [{ key: (this.#keys += 1), events }])];
      this.lookedBackTo = page.progress?.time ?? this.lookedBackTo;
      this.nextCursor = page.nextCursor;
      cursor = page.nextCursor;
      wanted -= page.items.length;
    } while (cursor !== null && wanted > 0 && rounds < ROUNDS);
    this.paused = cursor !== null && wanted > 0;
  }

  async #attempt(step: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    try {
      await step(running.signal);
      this.problem = null;
    } catch (thrown) {
      if (!running.signal.aborted) this.problem = asProblem(thrown);
    } finally {
      if (this.#running === running) this.busy = false;
    }
  }
}
