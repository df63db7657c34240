import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import * as audit from '#lib/api/audit.ts';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';

const PAGE = 100;

/** Events, newest first. New ones wait until they are asked for: nothing moves under a reading eye. */
export class AuditLog {
  events = $state.raw<AuditEvent[] | null>(null);
  nextCursor = $state<string | null>(null);
  waiting = $state.raw<AuditEvent[]>([]);
  /** more arrived than one page holds: showing them starts anew */
  overflown = $state(false);
  problem = $state.raw<ApiProblem | null>(null);
  busy = $state(false);
  #query: () => audit.AuditQuery = () => ({});
  /** the query of what is shown: a cursor belongs to it, to the millisecond of its range */
  #shown: audit.AuditQuery = {};
  #running: AbortController | null = null;
  readonly #read: typeof audit.events;

  constructor(read: typeof audit.events = audit.events) {
    this.#read = read;
  }

  /** Begins with the newest events of a filter. @param query made anew whenever one looks, because ranges end now */
  async load(query: () => audit.AuditQuery): Promise<void> {
    this.#query = query;
    this.events = null;
    this.nextCursor = null;
    await this.#attempt(async (signal) => {
      this.#shown = query();
      await this.#fill(null, signal);
      this.waiting = [];
      this.overflown = false;
    });
  }

  /** The next older events. */
  async more(): Promise<void> {
    const cursor = this.nextCursor;
    if (cursor === null || this.busy) return;
    await this.#attempt((signal) => this.#fill(cursor, signal));
  }

  /** Looks for newer events without moving what is shown. */
  async look(): Promise<void> {
    if (this.events === null || this.busy) return;
    await this.#attempt(async (signal) => {
      const { items, nextCursor } = await this.#read({ ...this.#query(), limit: PAGE }, { signal });
      const top = this.events?.[0]?.seq ?? 0;
      this.waiting = items.filter(({ seq }) => seq > top);
      // Full of news, and more behind it: what lies between them and what is shown is not known.
      this.overflown = nextCursor !== null && items.length > 0 && this.waiting.length === items.length;
    });
  }

  /** Shows the events that wait. */
  async show(): Promise<void> {
    if (this.overflown) {
      await this.load(this.#query);
      return;
    }
    this.events = [...this.waiting, ...(this.events ?? [])];
    this.waiting = [];
  }

  stop(): void {
    this.#running?.abort();
  }

  /** Adds older events until a page is full or the log begins: an answer may hold few or none and still lead further. */
  async #fill(from: string | null, signal: AbortSignal): Promise<void> {
    let wanted = PAGE;
    let cursor = from;
    do {
      const { items, nextCursor } = await this.#read({ ...this.#shown, limit: wanted, ...(cursor === null ? {} : { cursor }) }, { signal });
      this.events = [...(this.events ?? []), ...items];
      this.nextCursor = nextCursor;
      cursor = nextCursor;
      wanted -= items.length;
    } while (cursor !== null && wanted > 0);
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
