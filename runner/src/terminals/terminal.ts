import type { PtyExit, PtyInfo, PtyMessage } from '@gatehouse/core/protocol/services.ts';
import type { TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import { PLAIN, type TerminalLook } from '@gatehouse/core/protocol/terminals.ts';
import type { z } from 'zod';
import type { HelperHead, HelperClient, HelperStream } from '../channel/helper-client.ts';
import { InputCounts } from '../channel/input-counts.ts';
import { terminalAttached, terminalEvent, type HelperRequest, type TerminalControl } from '../channel/requests.ts';
import { OutputRing } from '../channel/ring.ts';
import { Gate } from '../recording/gate.ts';
import { noTape, type TerminalTape, type Verdict } from '../recording/terminal-tape.ts';
import { ServiceFailure } from '../service-failure.ts';
import { Checkpoints } from './checkpoints.ts';
import { CopyMask } from './copy-mask.ts';
import type { Screens } from './screens/screens.ts';
import type { Size } from './size.ts';

/** A driver with more than this still to be sent holds the program back, one with less lets it go on. */
const PAUSE_ABOVE = 128 * 1024;
const RESUME_BELOW = 32 * 1024;
/** of input, in the memory of the helper while the program does not read it */
const MOST_UNTYPED = 16 * 1024 * 1024;

/** A viewer's stream as its terminal sees it. */
export interface Watcher {
  /** offset of the next byte to be sent to it */
  readonly cursor: number;
  /** the size that its page has room for */
  readonly size: Size;
  /** whether its keys reach the program (SPEC P2) */
  readonly mayDrive: boolean;
  /** there is new output */
  changed(): void;
  /** the program has this client's input up to `offset`: it need not be kept any more */
  typed(clientId: string, offset: number): void;
  /** to be told before the byte at `offset`; left out: behind the output so far */
  tell(message: PtyMessage, offset?: number): void;
  /** the program has ended; it is told so behind the output so far, and nothing follows */
  over(exit: PtyExit): void;
}

export interface TerminalFacts extends Size {
  terminalId: string;
  name: string;
  look?: TerminalLook;
  task?: TaskRef | null;
}

/** A terminal lives with its program in the sandbox, not with those who watch it, nor with this runner. */
export class Terminal {
  readonly id: string;
  readonly #watchers = new Set<Watcher>();
  readonly #ended: () => void;
  #stream: HelperStream | null = null;
  readonly #screens: Screens;
  #ring = new OutputRing();
  #checkpoints: Checkpoints;
  #inputs = new InputCounts();
  /** whose input the helper was told comes next */
  #client: string | null = null;
  /** offset up to which the program has the input, of each client that it has not all of; and how much is missing in all */
  readonly #typedTo = new Map<string, number>();
  #untyped = 0;
  #name: string;
  #look: TerminalLook;
  readonly #task: TaskRef | null;
  #size: Size;
  /** what the helper was asked for last */
  #wanted: Size;
  #driver: Watcher | null = null;
  #paused = false;
  #exit: PtyExit | null = null;
  readonly #tape: TerminalTape;
  readonly #mask: CopyMask;
  /** holds what must be recorded and is not yet */
  readonly #gate = new Gate((reason) => this.#heldBy(reason));
  /** offset behind the output that has come, held or not; and whether the end has */
  #received = 0;
  #over = false;
  /** input that waits while output is held */
  #waiting: (() => void)[] = [];

  /** @param ended its program has ended by itself; @param mostCopied bytes that it may copy for its viewers at once; null: any */
  constructor(
    { terminalId, name, cols, rows, look = PLAIN, task = null }: TerminalFacts,
    screens: Screens,
    {
      ended = () => undefined,
      tape = noTape,
      mostCopied = () => null,
    }: { ended?: () => void; tape?: TerminalTape; mostCopied?: () => number | null } = {},
  ) {
    this.#tape = tape;
    this.#mask = new CopyMask(mostCopied);
    this.id = terminalId;
    this.#name = name;
    this.#look = look;
    this.#task = task;
    this.#size = this.#wanted = { cols, rows };
    this.#screens = screens;
    this.#checkpoints = new Checkpoints({ ring: this.#ring, size: this.#size, screens });
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
            if (this.#received >= terminal.end && (terminal.exit === null || this.#over)) resolve(head);
          };
          look();
        },
        data: (bytes, offset) => {
          this.#take(bytes, offset);
          look();
        },
        message: (value) => {
          const event = terminalEvent.parse(value);
          if (event.kind === 'typed') return this.#typed(event.clientId, event.offset);
          if (event.kind === 'resized') return this.#passSize(event.offset, { cols: event.cols, rows: event.rows });
          this.#finish({ code: event.code, signal: event.signal }, this.#ended);
          look();
        },
        gone: () => {
          this.#finish({ code: null, signal: 'SIGKILL' });
          resolve({ ok: false, code: 'internal', message: 'The sandbox has ended' });
        },
      });
    });
  }

  /** Begins to record it, where the policy says so: before its program runs. */
  record(): Verdict {
    return this.#tape.begin(this.#size);
  }

  /** Leaves it, and its recording, to the next runner. */
  leave(): void {
    this.#gate.close();
    this.#tape.leave();
  }

  /** Its programs are gone with their sandbox. @param reason for a person to read */
  lose(reason: string): void {
    this.#end({ code: null, signal: null, reason });
  }

  get ring(): OutputRing {
    return this.#ring;
  }

  get checkpoints(): Checkpoints {
    return this.#checkpoints;
  }

  get info(): PtyInfo {
    const { id: terminalId } = this;
    return { terminalId, name: this.#name, ...this.#size, look: this.#look, task: this.#task, offset: this.ring.end, exit: this.#exit };
  }

  /** SPEC P5: the newest watcher that may drive does. */
  watch(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#exit !== null) watcher.over(this.#exit);
    else if (watcher.mayDrive) this.#drive(watcher);
    if (this.#gate.reason !== null) watcher.tell({ kind: 'held', reason: this.#gate.reason });
    watcher.changed();
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#driver === watcher) this.#driver = null;
    this.reviewDriver();
  }

  /** Who may drive may have changed. */
  reviewDriver(): void {
    if (this.#driver?.mayDrive === false) this.#driver = null;
    const next = this.#driver === null ? [...this.#watchers].findLast(({ mayDrive }) => mayDrive) : undefined;
    if (next !== undefined && this.#exit === null) this.#drive(next);
    this.review();
  }

  /** Offset behind the input of this client that has come, whether the program has it or not. */
  comeOffset(clientId: string): number {
    return this.#inputs.of(clientId);
  }

  /** Bytes of this client's input that the program has, also through earlier runners. What is under way may be sent again. */
  inputOffset(clientId: string): number {
    return this.#typedTo.get(clientId) ?? this.#inputs.of(clientId);
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
    if (!this.#typedTo.has(clientId)) this.#typedTo.set(clientId, next);
    this.#untyped += fresh.byteLength;
    // What nobody sees nobody types blindly into.
    if (this.#gate.reason === null) this.#type(clientId, next, fresh);
    else this.#waiting.push(() => this.#type(clientId, next, fresh));
  }

  /** The page of the watcher has room for another size now: the driver's is the terminal's (SPEC P5). */
  wish(watcher: Watcher): void {
    if (this.#exit === null && watcher === this.#driver) this.#drive(watcher);
  }

  rename(name: string, look = this.#look): void {
    this.#name = name;
    this.#look = look;
    if (this.#exit === null) this.#control({ kind: 'rename', name, look });
    for (const watcher of this.#watchers) watcher.tell({ kind: 'renamed', name, look });
  }

  /** It is closed: watchers learn of it by the exit. */
  close(): void {
    this.#stream?.reset();
    this.#end({ code: null, signal: 'SIGHUP' });
  }

  /** Holds the program back or lets it go on, by what its driver still has to take. */
  review(): void {
    const pending = this.#driver === null ? 0 : this.ring.end - this.#driver.cursor;
    const held = this.#gate.reason !== null;
    if (!this.#paused && (held || pending > PAUSE_ABOVE)) this.#pause(true);
    else if (this.#paused && !held && pending < RESUME_BELOW) this.#pause(false);
  }

  #begin(attached: z.infer<typeof terminalAttached>): z.infer<typeof terminalAttached> {
    this.#checkpoints.close();
    this.#ring = new OutputRing(undefined, attached.offset);
    this.#checkpoints = new Checkpoints({ ring: this.#ring, size: this.#size, screens: this.#screens });
    this.#inputs = new InputCounts(attached.inputs);
    this.#received = attached.offset;
    return attached;
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    this.#control({ kind: paused ? 'pause' : 'resume' });
  }

  #control(control: TerminalControl): void {
    this.#stream?.message(control);
  }

  #type(clientId: string, offset: number, bytes: Uint8Array): void {
    if (this.#client !== clientId) this.#control({ kind: 'client', clientId });
    this.#client = clientId;
    this.#stream?.data(bytes, offset);
  }

  /** What comes is recorded before anybody sees it. */
  #take(output: Uint8Array, offset: number): void {
    if (offset !== this.#received) throw new Error('output with a gap or an overlap');
    const bytes = this.#mask.pass(output);
    this.#received = offset + bytes.byteLength;
    this.#gate.pass(
      () => this.#tape.output(bytes, offset + bytes.byteLength),
      () => this.#output(bytes),
    );
  }

  #passSize(offset: number, size: Size): void {
    this.#gate.pass(
      () => this.#tape.resized(size),
      () => this.#resized(offset, size),
    );
  }

  #finish(exit: PtyExit, then: () => void = () => undefined): void {
    this.#over = true;
    this.#gate.pass(
      () => this.#tape.end(exit),
      () => {
        this.#end(exit);
        then();
      },
    );
  }

  #heldBy(reason: string | null): void {
    for (const watcher of this.#watchers) watcher.tell({ kind: 'held', reason });
    if (reason === null) for (const type of this.#waiting.splice(0)) type();
    this.review();
  }

  #output(bytes: Uint8Array): void {
    this.ring.append(bytes);
    this.#checkpoints.output();
    this.review();
    for (const watcher of this.#watchers) watcher.changed();
  }

  #typed(clientId: string, offset: number): void {
    this.#untyped -= offset - (this.#typedTo.get(clientId) ?? offset);
    if (offset < this.#inputs.of(clientId)) this.#typedTo.set(clientId, offset);
    else this.#typedTo.delete(clientId);
    for (const watcher of this.#watchers) watcher.typed(clientId, offset);
  }

  #drive(watcher: Watcher): void {
    this.#driver = watcher;
    const { cols, rows } = watcher.size;
    if (cols === this.#wanted.cols && rows === this.#wanted.rows) return;
    this.#wanted = { cols, rows };
    this.#control({ kind: 'resize', cols, rows });
  }

  /** SPEC T3: everybody's screen changes at the byte where the program's did. */
  #resized(offset: number, size: Size): void {
    this.#size = size;
    this.#checkpoints.resized(offset, size);
    for (const watcher of this.#watchers) watcher.tell({ kind: 'resize', ...size }, offset);
  }

  #end(exit: PtyExit): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    this.#gate.close();
    this.#tape.end(exit);
    this.#checkpoints.close();
    for (const watcher of this.#watchers) watcher.over(exit);
  }
}
