import type { PtyInfo, PtyMessage } from '@gatehouse/core/protocol/services.ts';
import type { HelperHead, HelperClient, HelperStream } from '../channel/helper-client.ts';
import { programExit, type TerminalControl } from '../channel/requests.ts';
import { Checkpoints } from './checkpoints.ts';
import { OutputRing } from './ring.ts';
import type { Screens } from './screens/screens.ts';
import type { Size } from './size.ts';

/** A driver with more than this still to be sent holds the program back, one with less lets it go on. */
const PAUSE_ABOVE = 128 * 1024;
const RESUME_BELOW = 32 * 1024;

export type { Size };

/** A viewer's stream as its terminal sees it. */
export interface Watcher {
  /** offset of the next byte to be sent to it */
  readonly cursor: number;
  size: Size;
  /** there is new output */
  changed(): void;
  /** to be told behind the output so far */
  tell(message: PtyMessage): void;
  /** the program has ended; it is told so behind the output so far, and nothing follows */
  over(exit: NonNullable<PtyInfo['exit']>): void;
}

/** A terminal lives with its program, not with those who watch it. */
export class Terminal {
  readonly id: string;
  readonly ring = new OutputRing();
  readonly checkpoints: Checkpoints;
  readonly opened: Promise<HelperHead>;
  readonly #stream: HelperStream;
  readonly #watchers = new Set<Watcher>();
  #name: string;
  #size: Size;
  #driver: Watcher | null = null;
  #paused = false;
  #exit: PtyInfo['exit'] = null;

  constructor(helper: HelperClient, screens: Screens, id: string, name: string, size: Size, cwd: string) {
    this.id = id;
    this.checkpoints = new Checkpoints({ ring: this.ring, size, screens });
    this.#name = name;
    this.#size = size;
    let tellOpened: (head: HelperHead) => void = () => undefined;
    this.opened = new Promise((resolve) => (tellOpened = resolve));
    this.#stream = helper.open(
      { method: 'terminal.spawn', cols: size.cols, rows: size.rows, cwd },
      {
        head: (head) => tellOpened(head),
        data: (bytes) => this.#output(bytes),
        message: (value) => {
          const exit = programExit.safeParse(value);
          if (exit.success) this.#end({ code: exit.data.code, signal: exit.data.signal });
        },
        gone: () => {
          tellOpened({ ok: false, code: 'internal', message: 'The sandbox has ended' });
          this.#end({ code: null, signal: 'SIGKILL' });
        },
      },
    );
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

  input(watcher: Watcher, bytes: Uint8Array): void {
    if (this.#exit !== null) return;
    this.#drive(watcher);
    this.#stream.data(bytes);
  }

  resize(watcher: Watcher, size: Size): void {
    watcher.size = size;
    if (this.#exit === null) this.#drive(watcher);
  }

  rename(name: string): void {
    this.#name = name;
    for (const watcher of this.#watchers) watcher.tell({ kind: 'renamed', name });
  }

  /** Ends the programs; watchers learn of it by the exit. */
  close(): void {
    if (this.#exit === null) this.#stream.reset();
    this.#end({ code: null, signal: 'SIGHUP' });
  }

  /** Holds the program back or lets it go on, by what its driver still has to take. */
  review(): void {
    const pending = this.#driver === null ? 0 : this.ring.end - this.#driver.cursor;
    if (!this.#paused && pending > PAUSE_ABOVE) this.#pause(true);
    else if (this.#paused && pending < RESUME_BELOW) this.#pause(false);
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    this.#control({ kind: paused ? 'pause' : 'resume' });
  }

  #control(control: TerminalControl): void {
    this.#stream.message(control);
  }

  #output(bytes: Uint8Array): void {
    this.ring.append(bytes);
    this.checkpoints.output();
    this.review();
    for (const watcher of this.#watchers) watcher.changed();
  }

  #drive(watcher: Watcher): void {
    this.#driver = watcher;
    const { cols, rows } = watcher.size;
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.checkpoints.resized(this.ring.end, this.#size);
    this.#control({ kind: 'resize', cols, rows });
    for (const other of this.#watchers) if (other !== watcher) other.tell({ kind: 'resize', cols, rows });
  }

  #end(exit: NonNullable<PtyInfo['exit']>): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    this.checkpoints.close();
    for (const watcher of this.#watchers) watcher.over(exit);
  }
}
