import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import * as audit from '#lib/api/audit.ts';
import { ApiProblem, asProblem } from '#lib/api/problem.ts';
import { BLOCK, blockOf, blocksOf, heldIn, putAway, restored, type Block, type Page } from './blocks.ts';
import { Fresh } from './fresh.ts';

/** The first page is there soon; whoever reads on reads more at once. */
const PAGE = 100;
const NEXT_PAGE = 200;
/** Events that wait at most: more than that is read anew instead. */
const MOST_WAITING = 1_000;
/** Events that arrived live and are shown: beyond that the list begins anew with a cursor below it. */
const MOST_LIVE = 1_000;
/** Events that are kept at most, besides those that are drawn: the others are read again when somebody comes back to them. */
const MOST_HELD = 3_000;
/** Answers without enough to show, until somebody says that it should go on looking. */
const ROUNDS = 20;
/** Answers for one page that is read again: late events may have come in between. */
const RESTORE_ROUNDS = 3;

/** Events, newest first. New ones wait until they are asked for, or come at once where the log is followed. */
export class AuditLog {
  blocks = $state.raw<readonly Block[] | null>(null);
  nextCursor = $state<string | null>(null);
  waiting = $state.raw<readonly AuditEvent[]>([]);
  /** more arrived than can wait: showing them starts anew */
  overflown = $state(false);
  /** new events are shown at once, while one looks at the newest */
  follow = $state(false);
  /** one looks at the newest */
  atTop = true;
  /** how often new events were shown because somebody asked for them */
  shown = $state(0);
  /** the archive was read back to that time, for want of events that fit */
  lookedBackTo = $state<string | null>(null);
  /** it looked far for little, and goes on when it is told to */
  paused = $state(false);
  problem = $state.raw<ApiProblem | null>(null);
  /** why what was put away could not be read again */
  lost = $state.raw<ApiProblem | null>(null);
  busy = $state(false);
  count = $state(0);
  readonly #fresh = new Fresh();
  #keys = 0;
  #live = 0;
  #query: () => audit.AuditQuery = () => ({});
  /** the query of what is shown: a cursor belongs to it, to the millisecond of its range */
  #shown: audit.AuditQuery = {};
  #running: AbortController | null = null;
  #restoring: AbortController | null = null;
  /** the blocks that are drawn */
  #drawn = { first: 0, last: 0 };
  readonly #read: typeof audit.events;

  constructor(read: typeof audit.events = audit.events) {
    this.#read = read;
  }

  /** Events in memory. */
  get held(): number {
    return heldIn(this.blocks ?? []);
  }

  /** Begins with the newest events of a filter. @param query made anew whenever one looks, because ranges end now */
  async load(query: () => audit.AuditQuery): Promise<void> {
    this.blocks = null;
    this.nextCursor = null;
    this.lookedBackTo = null;
    this.#query = query;
    await this.#begin();
  }

  /** What is shown stays until the newest events are there. @param wanted asked when they are: else they wait as many new ones do */
  async #begin(wanted: () => boolean = () => true): Promise<void> {
    this.#restoring?.abort();
    this.waiting = [];
    this.overflown = false;
    this.lost = null;
    this.#fresh.forget();
    await this.#attempt(async (signal) => {
      const before = this.#shown;
      this.#shown = this.#query();
      if (await this.#fill(null, signal, wanted)) return;
      this.#shown = before;
      this.waiting = [];
      this.overflown = true;
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
    if (!this.overflown) this.waiting = [...fresh, ...this.waiting];
    this.overflown ||= this.waiting.length > MOST_WAITING;
    if (this.overflown) this.waiting = [];
    this.#followOn();
  }

  /** Shows the events that wait. */
  async show(): Promise<void> {
    this.shown += 1;
    await this.#takeIn();
  }

  /** Stops looking for older events: what was found stays. */
  halt(): void {
    this.#running?.abort();
    this.busy = false;
    this.paused = this.nextCursor !== null;
  }

  stop(): void {
    this.#running?.abort();
    this.#restoring?.abort();
  }

  /** Says which blocks are drawn: theirs are read where they were put away, and what is far from them is put away. */
  draw(first: number, last: number): void {
    this.#drawn = { first, last };
    if (this.blocks === null) return;
    this.blocks = putAway(this.blocks, first, last, MOST_HELD);
    if (this.#restoring === null && this.lost === null && this.#missing() !== undefined) void this.#restore();
  }

  /** Tries again to read what is drawn and was put away. */
  retry(): void {
    this.lost = null;
    this.draw(this.#drawn.first, this.#drawn.last);
  }

  #followOn(): void {
    const waits = this.waiting.length > 0 || this.overflown;
    // Whoever has gone further down before the newest are there is not pushed about.
    if (waits && this.follow && this.atTop && !this.busy && this.problem === null) void this.#takeIn(() => this.atTop);
  }

  async #takeIn(wanted?: () => boolean): Promise<void> {
    if (this.overflown || this.#live + this.waiting.length > MOST_LIVE) return this.#begin(wanted);
    const { waiting } = this;
    this.waiting = [];
    this.#prepend(waiting);
  }

  /** New events stand in the first block until that is full, so that the others stay as they are. */
  #prepend(events: readonly AuditEvent[]): void {
    if (events.length === 0) return;
    this.#live += events.length;
    this.count += events.length;
    const [first, ...others] = this.blocks ?? [];
    if (first?.page === null && first.key < 0 && first.events !== null && first.count + events.length <= BLOCK)
      this.blocks = [blockOf([...events, ...first.events], null, first.key), ...others];
    else this.blocks = [...blocksOf(events, null, () => -(this.#keys += 1)), ...(this.blocks ?? [])];
  }

  /**
   * Adds older events until a page is full or the log begins: an answer may hold few or none and still lead further.
   * @param wanted asked before they take the place of others @returns whether they were
   */
  async #fill(from: string | null, signal: AbortSignal, wanted: () => boolean = () => true): Promise<boolean> {
    let left = from === null ? PAGE : NEXT_PAGE;
    let cursor = from;
    let rounds = 0;
    let anew = from === null;
    this.paused = false;
    do {
      rounds += 1;
      const page = await this.#read({ ...this.#shown, limit: left, ...(cursor === null ? {} : { cursor }) }, { signal });
      if (anew && !wanted()) return false;
      const events = this.#fresh.of(page.items);
      const before = anew ? [] : (this.blocks ?? []);
      if (anew) [this.#live, this.count, this.lookedBackTo] = [0, 0, null];
      anew = false;
      const read = blocksOf(events, cursor === null ? null : { cursor, limit: left }, () => (this.#keys += 1));
      this.blocks = [...before, ...read];
      this.count += events.length;
      this.lookedBackTo = page.progress?.time ?? this.lookedBackTo;
      this.nextCursor = page.nextCursor;
      cursor = page.nextCursor;
      left -= page.items.length;
    } while (cursor !== null && left > 0 && rounds < ROUNDS);
    this.paused = cursor !== null && left > 0;
    return true;
  }

  #missing(): Page | undefined {
    const { first, last } = this.#drawn;
    return this.blocks?.slice(first, last + 1).find(({ events }) => events === null)?.page ?? undefined;
  }

  /** Reads what is drawn and was put away, one page after the other: whoever scrolls on meanwhile is asked anew. */
  async #restore(): Promise<void> {
    const running = new AbortController();
    this.#restoring = running;
    try {
      for (let page = this.#missing(); page !== undefined; page = this.#missing()) {
        const events = await this.#again(page, running.signal);
        if (running.signal.aborted || this.blocks === null) return;
        const { first, last } = this.#drawn;
        this.blocks = putAway(restored(this.blocks, page, events), first, last, MOST_HELD);
        if (this.#missing() === page) throw new ApiProblem('gone', 'These events are not in the log any more');
      }
    } catch (thrown) {
      if (!running.signal.aborted) this.lost = asProblem(thrown);
    } finally {
      if (this.#restoring === running) this.#restoring = null;
    }
  }

  async #again(page: Page, signal: AbortSignal): Promise<AuditEvent[]> {
    const last = this.blocks?.findLast((block) => block.page === page)?.ids.last;
    const events: AuditEvent[] = [];
    let cursor: string | null = page.cursor;
    for (let round = 0; cursor !== null && round < RESTORE_ROUNDS; round++) {
      const answer: Awaited<ReturnType<typeof audit.events>> = await this.#read({ ...this.#shown, limit: page.limit, cursor }, { signal });
      events.push(...answer.items);
      if (answer.items.some(({ id }) => id === last)) break;
      cursor = answer.nextCursor;
    }
    return events;
  }

  async #attempt(step: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
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
      if (this.#running === running) {
        this.busy = false;
        this.#followOn();
      }
    }
  }
}
