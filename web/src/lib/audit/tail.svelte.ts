import { z } from 'zod';
import { auditEvent, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import { ERRORS, type ErrorCode } from '@gatehouse/core/errors.ts';
import { serverNow } from '#lib/api/server-clock.ts';

/** Of the browser's EventSource what is needed here. */
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

/** Events of a flood are shown together. */
const GATHER_MS = 150;
/** The service says something every ten seconds. */
const SILENCE_MS = 25_000;
const LOOK_MS = 5_000;
const AGAIN_MS = [1_000, 2_000, 5_000, 15_000, 30_000] as const;
const CLOSED = 2;
/** Whoever may not read gains nothing by coming again. */
const isFinal = (code: string): boolean => code in ERRORS && [401, 403].includes(ERRORS[code as ErrorCode].status);
const ending = z.object({ code: z.string(), title: z.string() });

/**
 * Live events, by server-sent events. The browser comes again by itself with Last-Event-ID where a connection breaks; where it
 * gives up, or hears nothing any more, this does. While the page is hidden nothing is held open.
 */
export class Tail {
  state = $state<'off' | 'connecting' | 'live' | 'behind' | 'ended'>('off');
  /** milliseconds between the recording of the newest event and its arrival */
  delay = $state<number | null>(null);
  /** since when nothing was heard */
  since = $state<number | null>(null);
  /** why it has ended */
  why = $state<string | null>(null);
  #path: ((after: number) => string) | null = null;
  #after = 0;
  #source: Source | null = null;
  #heardAt = 0;
  #tries = 0;
  #gathered: AuditEvent[] = [];
  #gathering: ReturnType<typeof setTimeout> | null = null;
  #again: ReturnType<typeof setTimeout> | null = null;
  #watch: ReturnType<typeof setInterval> | null = null;
  readonly #onevents: (events: AuditEvent[]) => void;
  readonly #open: (path: string) => Source;

  constructor(onevents: (events: AuditEvent[]) => void, open: (path: string) => Source = (path) => new EventSource(path)) {
    this.#onevents = onevents;
    this.#open = open;
  }

  /** @param path of the stream behind the event of that number */
  start(path: (after: number) => string, after: number): void {
    this.stop();
    this.#path = path;
    this.#after = after;
    this.#tries = 0;
    this.delay = null;
    this.#connect();
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    this.#leave();
    if (this.#watch !== null) clearInterval(this.#watch);
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    this.#gathered = [];
    this.#path = null;
    this.state = 'off';
    this.since = null;
    this.why = null;
  }

  /** Lets go while nobody looks, and goes on where it was. */
  setVisible(visible: boolean): void {
    if (this.#path === null || this.state === 'ended') return;
    if (!visible) this.#leave();
    else if (this.#source === null) this.#connect();
  }

  #connect(): void {
    const path = this.#path;
    if (path === null) return;
    this.#leave();
    if (this.state !== 'behind') this.state = 'connecting';
    this.#heardAt = Date.now();
    const source = this.#open(path(this.#after));
    this.#source = source;
    const mine = (listener: (event: MessageEvent<string>) => void) => (event: MessageEvent<string>) => {
      if (this.#source === source) listener(event);
    };
    source.addEventListener(
      'open',
      mine(() => this.#hear()),
    );
    source.addEventListener(
      'quiet',
      mine((event) => this.#hear(event)),
    );
    source.addEventListener(
      'audit',
      mine((event) => this.#take(event)),
    );
    source.addEventListener(
      'end',
      mine((event) => this.#end(event)),
    );
    source.addEventListener(
      'error',
      mine(() => this.#lost(source.readyState === CLOSED)),
    );
  }

  #hear(event?: MessageEvent<string>): void {
    this.#heardAt = Date.now();
    this.#tries = 0;
    this.state = 'live';
    this.since = null;
    const seq = Number(event?.lastEventId || Number.NaN);
    if (Number.isSafeInteger(seq)) this.#after = Math.max(this.#after, seq);
  }

  #take(message: MessageEvent<string>): void {
    const parsed = auditEvent.safeParse(JSON.parse(message.data));
    this.#hear(message);
    if (!parsed.success) return;
    this.delay = Math.max(0, serverNow() - Date.parse(parsed.data.recordedAt));
    this.#gathered.push(parsed.data);
    this.#gathering ??= setTimeout(() => {
      const events = this.#gathered;
      this.#gathered = [];
      this.#gathering = null;
      this.#onevents(events);
    }, GATHER_MS);
  }

  /** The service says why no more comes. */
  #end(event: MessageEvent<string>): void {
    const said = ending.safeParse(JSON.parse(event.data));
    if (!said.success || !isFinal(said.data.code)) return this.#lost(true);
    this.#leave();
    this.state = 'ended';
    this.why = said.data.title;
  }

  /** @param closed the browser doesn't come again by itself */
  #lost(closed: boolean): void {
    this.state = 'behind';
    this.since ??= this.#heardAt;
    if (!closed) return;
    this.#leave();
    this.#again = setTimeout(() => this.#connect(), AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)]);
    this.#tries += 1;
  }

  /** A connection may be dead without saying so. */
  #look(): void {
    if (this.#source === null || this.#again !== null || Date.now() - this.#heardAt < SILENCE_MS) return;
    this.#lost(true);
  }

  #leave(): void {
    this.#source?.close();
    this.#source = null;
    if (this.#again !== null) clearTimeout(this.#again);
    this.#again = null;
  }
}
