import type { ExportFormat } from '@gatehouse/core/api/audit.ts';
import { ApiProblem, asProblem } from '#lib/api/problem.ts';

/** Opens the file behind the event of that number. */
export type OpenExport = (after: number | null, signal: AbortSignal) => Promise<Response>;

/** Pauses before it goes on by itself; reset when something came. */
const AGAIN_MS = [1_000, 3_000, 8_000] as const;
const NEWLINE = 10;
const QUOTE = 34;

/** Of a whole record, the number of its event; null where it is none, like the names of columns. */
export function seqOf(format: ExportFormat, record: string): number | null {
  if (format === 'csv') return Number(/^"(\d+)"/.exec(record)?.[1] ?? Number.NaN) || null;
  try {
    const { seq, event, metadata } = JSON.parse(record) as { seq?: unknown; event?: { seq?: unknown }; metadata?: { sequence?: unknown } };
    const found = format === 'ocsf' ? metadata?.sequence : (event?.seq ?? seq);
    return typeof found === 'number' ? found : null;
  } catch {
    return null;
  }
}

/** Cuts what arrives into whole records: one that is not complete waits for its rest, or is dropped where a connection broke. */
export class Records {
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  #quoted = false;
  readonly #quotes: boolean;

  /** @param quotes line ends may stand inside quotes */
  constructor(quotes: boolean) {
    this.#quotes = quotes;
  }

  /** @returns the whole records as they came, the last of them, and how many */
  push(chunk: Uint8Array): { whole: Uint8Array<ArrayBuffer>; last: string | null; count: number } {
    const before = this.#rest.length;
    const all = new Uint8Array(before + chunk.length);
    all.set(this.#rest);
    all.set(chunk, before);
    let [end, start, count] = [0, 0, 0];
    for (let at = before; at < all.length; at++) {
      if (this.#quotes && all[at] === QUOTE) this.#quoted = !this.#quoted;
      if (all[at] !== NEWLINE || this.#quoted) continue;
      start = end;
      end = at + 1;
      count += 1;
    }
    this.#rest = all.slice(end);
    return { whole: all.slice(0, end), last: count === 0 ? null : new TextDecoder().decode(all.subarray(start, end)).trimEnd(), count };
  }

  /** The connection broke: the record that it broke in comes again. */
  drop(): void {
    this.#rest = new Uint8Array();
    this.#quoted = false;
  }
}

/**
 * A part of the log on its way into a file. What came is kept over a break, and goes on behind its last whole record. A proof
 * is one piece, and begins anew.
 */
export class LogExport {
  state = $state<'running' | 'broken' | 'done' | 'cancelled'>('running');
  /** records that are here */
  records = $state(0);
  /** number of the last event that is here, and of the last that the file can hold */
  seq = $state(0);
  lastSeq = $state(0);
  bytes = $state(0);
  problem = $state.raw<ApiProblem | null>(null);
  fileName = 'audit-log.ndjson';
  readonly startedAt: number;
  readonly format: ExportFormat;
  #first = 0;
  #tries = 0;
  #parts: Blob[] = [];
  readonly #records: Records;
  readonly #open: OpenExport;
  #running = new AbortController();

  constructor(format: ExportFormat, open: OpenExport, now: number) {
    this.format = format;
    this.#open = open;
    this.startedAt = now;
    this.#records = new Records(format === 'csv');
  }

  /** 0 to 1; null while nothing has come */
  get share(): number | null {
    if (this.state === 'done') return 1;
    if (this.lastSeq === 0 || this.#first === 0) return null;
    return Math.min(1, (this.seq - this.#first + 1) / Math.max(1, this.lastSeq - this.#first + 1));
  }

  /** Reads until the end, over breaks; the state says how it went. */
  async run(wait: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms))): Promise<void> {
    this.#running = new AbortController();
    this.state = 'running';
    this.#tries = 0;
    for (;;) {
      try {
        await this.#read(this.#running.signal);
        this.problem = null;
        this.state = 'done';
        return;
      } catch (thrown) {
        if (this.#running.signal.aborted) return;
        this.problem = asProblem(thrown);
        const pause = AGAIN_MS[this.#tries++];
        if (pause === undefined || !this.#mayPass(this.problem)) break;
        await wait(pause);
        if (this.#running.signal.aborted) return;
      }
    }
    this.state = 'broken';
  }

  cancel(): void {
    this.#running.abort();
    this.state = 'cancelled';
    this.#parts = [];
  }

  file(): Blob {
    return new Blob(this.#parts, { type: this.format === 'csv' ? 'text/csv' : 'application/x-ndjson' });
  }

  #mayPass({ code }: ApiProblem): boolean {
    return code === 'unavailable' || code === 'internal' || code === 'rate-limited';
  }

  async #read(signal: AbortSignal): Promise<void> {
    this.#records.drop();
    if (this.format === 'proof') this.#forget();
    const response = await this.#open(this.seq === 0 ? null : this.seq, signal);
    this.fileName = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? this.fileName;
    // The log has grown when it goes on: what is shown is the way to what was asked for.
    this.lastSeq ||= Number(response.headers.get('x-audit-last-seq') ?? 0);
    for (let reader = response.body?.getReader(); reader !== undefined;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new ApiProblem('unavailable', 'The connection broke. What has come is kept.', { title: 'The export broke off', cause });
      });
      if (done) break;
      this.#take(value);
    }
  }

  #take(chunk: Uint8Array): void {
    const { whole, last, count } = this.#records.push(chunk);
    if (last === null) return;
    this.#parts.push(new Blob([whole]));
    this.bytes += whole.length;
    this.records += count;
    this.#tries = 0;
    const seq = seqOf(this.format, last);
    if (seq === null) return;
    this.#first ||= seq;
    this.seq = Math.max(this.seq, seq);
  }

  #forget(): void {
    this.#parts = [];
    Object.assign(this, { records: 0, bytes: 0, seq: 0 });
  }
}
