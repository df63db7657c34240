import type { PtyExit, PtyInfo, PtyMessage } from '@gatehouse/core/protocol/services.ts';
import type { z } from 'zod';
import type { HelperHead, HelperClient, HelperStream } from '../channel/helper-client.ts';
import { InputCounts } from '../channel/input-counts.ts';
import { terminalAttached, terminalEvent, type HelperRequest, type TerminalControl } from '../channel/requests.ts';
import { OutputRing } from '../channel/ring.ts';
import { ServiceFailure } from '../service-failure.ts';

/** A driver with more than this still to be sent holds the program back, one with less lets it go on. */
const PAUSE_ABOVE = 128 * 1024;
const RESUME_BELOW = 32 * 1024;
/** of input, in the memory of the helper while the program does not read it */
const MOST_UNTYPED = 16 * 1024 * 1024;

export interface Size {
  cols: number;
  rows: number;
}

/** A viewer's stream as its terminal sees it. */
export interface Watcher {
  /** offset of the next byte to be sent to it */
  readonly cursor: number;
  size: Size;
  /** there is new output */
  changed(): void;
  /** the program has this client's input up to `offset`: it need not be kept any more */
  typed?(clientId: string, offset: number): void;
  /** to be told behind the output so far */
  tell(message: PtyMessage): void;
  /** the program has ended; it is told so behind the output so far, and nothing follows */
  over(exit: PtyExit): void;
}

export interface TerminalFacts extends Size {
  terminalId: string;
  name: string;
}

/** A terminal lives with its program in the sandbox, not with those who watch it, nor with this runner. */
export class Terminal {
  readonly id: string;
  readonly #watchers = new Set<Watcher>();
  readonly #ended: () => void;
  #stream: HelperStream | null = null;
  #ring = new OutputRing();
  #inputs = new InputCounts();
  /** whose input the helper was told comes next */
  #client: string | null = null;
  /** offset up to which the program has the input, of each client that it has not all of; and how much is missing in all */
  readonly #typedTo = new Map<string, number>();
  #untyped = 0;
  #name: string;
  #size: Size;
  #driver: Watcher | null = null;
  #paused = false;
  #exit: PtyExit | null = null;

  /** @param ended its program has ended by itself */
  constructor({ terminalId, name, cols, rows }: TerminalFacts, ended: () => void = () => undefined) {
    this.id = terminalId;
    this.#name = name;
    this.#size = { cols, rows };
    this.#ended = ended;
  }

  /**
   * Opens it in the helper or attaches to it, as `request` says.
   * @returns the helper's answer, once all output from before it is here
   */
  connect(helper: HelperClient, request: HelperRequest): Promise<HelperHead> {
    return new Promise((resolve) => {
      let look: () => void = () => undefined;
      this.#stream = helper.open(request, {
        head: (head) => {
          if (!head.ok) return resolve(head);
          const { terminal } = this.#begin(terminalAttached.parse(head));
          look = () => {
            if (this.ring.end >= terminal.end && (terminal.exit === null || this.#exit !== null)) resolve(head);
          };
          look();
        },
        data: (bytes, offset) => {
          this.#output(bytes, offset);
          look();
        },
        message: (value) => {
          const event = terminalEvent.parse(value);
          if (event.kind === 'typed') return this.#typed(event.clientId, event.offset);
          this.#end({ code: event.code, signal: event.signal });
          look();
          this.#ended();
        },
        gone: () => {
          this.#end({ code: null, signal: 'SIGKILL' });
          resolve({ ok: false, code: 'internal', message: 'The sandbox has ended' });
        },
      });
    });
  }

  /** Its programs are gone with their sandbox. @param reason for a person to read */
  lose(reason: string): void {
    this.#end({ code: null, signal: null, reason });
  }

  get ring(): OutputRing {
    return this.#ring;
  }

  get info(): PtyInfo {
    return { terminalId: this.id, name: this.#name, ...this.#size, offset: this.ring.end, exit: this.#exit };
  }

  /** The newest watcher drives: its size is the terminal's. */
  watch(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#exit === null) this.#drive(watcher);
    else watcher.over(this.#exit);
    watcher.changed();
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#driver !== watcher) return;
    this.#driver = null;
    const next = [...this.#watchers].at(-1);
    if (next !== undefined && this.#exit === null) this.#drive(next);
    this.review();
  }

  /** Bytes of this client's input that went to the program, also through earlier runners: the offset of its next byte. */
  inputOffset(clientId: string): number {
    return this.#inputs.of(clientId);
  }

  /**
   * Types what this client was not known to have typed; `offset` is that of the first byte.
   * Watchers hear of it by `typed` when the program has it: until then, a runner that dies may lose it.
   * @throws AppError `invalid` when bytes are missing before it; ServiceFailure `limit` when too much is not read
   */
  input(watcher: Watcher, clientId: string, offset: number, bytes: Uint8Array): void {
    if (this.#untyped > MOST_UNTYPED) throw new ServiceFailure('limit', 'The program does not read its input');
    const next = this.#inputs.of(clientId);
    const fresh = this.#inputs.take(clientId, offset, bytes);
    if (this.#exit !== null || fresh.byteLength === 0) return;
    this.#drive(watcher);
    if (this.#client !== clientId) this.#control({ kind: 'client', clientId });
    this.#client = clientId;
    if (!this.#typedTo.has(clientId)) this.#typedTo.set(clientId, next);
    this.#untyped += fresh.byteLength;
    this.#stream?.data(fresh, next);
  }

  resize(watcher: Watcher, size: Size): void {
    watcher.size = size;
    if (this.#exit === null) this.#drive(watcher);
  }

  rename(name: string): void {
    this.#name = name;
    if (this.#exit === null) this.#control({ kind: 'rename', name });
    for (const watcher of this.#watchers) watcher.tell({ kind: 'renamed', name });
  }

  /** It is closed: watchers learn of it by the exit. */
  close(): void {
    this.#stream?.reset();
    this.#end({ code: null, signal: 'SIGHUP' });
  }

  /** Holds the program back or lets it go on, by what its driver still has to take. */
  review(): void {
    const pending = this.#driver === null ? 0 : this.ring.end - this.#driver.cursor;
    if (!this.#paused && pending > PAUSE_ABOVE) this.#pause(true);
    else if (this.#paused && pending < RESUME_BELOW) this.#pause(false);
  }

  #begin(attached: z.infer<typeof terminalAttached>): z.infer<typeof terminalAttached> {
    this.#ring = new OutputRing(undefined, attached.offset);
    this.#inputs = new InputCounts(attached.inputs);
    return attached;
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    this.#control({ kind: paused ? 'pause' : 'resume' });
  }

  #control(control: TerminalControl): void {
    this.#stream?.message(control);
  }

  #output(bytes: Uint8Array, offset: number): void {
    if (offset !== this.ring.end) throw new Error('output with a gap or an overlap');
    this.ring.append(bytes);
    this.review();
    for (const watcher of this.#watchers) watcher.changed();
  }

  #typed(clientId: string, offset: number): void {
    this.#untyped -= offset - (this.#typedTo.get(clientId) ?? offset);
    if (offset < this.#inputs.of(clientId)) this.#typedTo.set(clientId, offset);
    else this.#typedTo.delete(clientId);
    for (const watcher of this.#watchers) watcher.typed?.(clientId, offset);
  }

  #drive(watcher: Watcher): void {
    this.#driver = watcher;
    const { cols, rows } = watcher.size;
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.#control({ kind: 'resize', cols, rows });
    for (const other of this.#watchers) if (other !== watcher) other.tell({ kind: 'resize', cols, rows });
  }

  #end(exit: PtyExit): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    for (const watcher of this.#watchers) watcher.over(exit);
  }
}
