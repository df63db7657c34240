import { AppError } from '@gatehouse/core/errors.ts';
import { InputCounts } from '../channel/input-counts.ts';
import { OutputRing } from '../channel/ring.ts';
import { terminalControl, type ProgramExit, type TerminalInfo } from '../channel/requests.ts';
import { Feed } from './feed.ts';
import type { Host, Stream, StreamEvents } from './host.ts';
import { foregroundOf } from './foreground.ts';
import { Pty, type Program } from './pty.ts';
import { TypedReports } from './typed-reports.ts';

/** A runner this far behind holds the program back: far less than the ring, so that it loses nothing. */
const PAUSE_ABOVE = 256 * 1024;
const RESUME_BELOW = 64 * 1024;

export type TerminalFacts = Pick<TerminalInfo, 'terminalId' | 'name' | 'cols' | 'rows' | 'look' | 'task'>;

/** A terminal that lives with its program, whether a runner listens or not: without one, the ring keeps the newest output. */
export class Terminal {
  readonly #ring = new OutputRing();
  readonly #inputs = new InputCounts();
  readonly #pty: Pty;
  #facts: TerminalFacts;
  #exit: ProgramExit | null = null;
  #feed: Feed | null = null;
  /** whether the runner asked to wait, and whether the PTY does */
  #unwanted = false;
  #paused = false;

  /** @throws Error when the shell can't start */
  constructor(facts: TerminalFacts, program: Program) {
    this.#facts = facts;
    this.#pty = new Pty(
      { cols: facts.cols, rows: facts.rows, ...program },
      { data: (bytes) => this.#output(bytes), exit: (exit) => this.#end(exit) },
    );
  }

  get info(): TerminalInfo {
    const exit = this.#exit === null ? null : { code: this.#exit.code, signal: this.#exit.signal };
    return { ...this.#facts, start: this.#ring.start, end: this.#ring.end, exit };
  }

  /** What runs in it besides its shell. */
  get foreground(): string | null {
    if (this.#exit !== null) return null;
    return this.#facts.task === null ? foregroundOf(this.#pty.pid) : this.#facts.task.name;
  }

  /** Sends output from `from`, or the oldest byte kept, and takes input. The newest listener is the only one. */
  attach(host: Host, stream: Stream, from: number): StreamEvents {
    this.#detach();
    const offset = Math.min(Math.max(from, this.#ring.start), this.#ring.end);
    stream.head({ ok: true, terminal: this.info, offset, inputs: this.#inputs.all });
    const feed = new Feed(this.#ring, host, stream, offset, () => this.#review());
    this.#feed = feed;
    feed.changed();
    if (this.#exit !== null) feed.end(this.#exit);
    this.#review();
    let client: string | null = null;
    const typed = new TypedReports((clientId, offset) => this.#feed === feed && stream.message({ kind: 'typed', clientId, offset }));
    return {
      data: (bytes, at) => {
        const clientId = client;
        if (clientId === null) throw new AppError('invalid', 'Input of nobody');
        const fresh = this.#inputs.take(clientId, at, bytes);
        const offset = this.#inputs.of(clientId);
        if (this.#exit !== null || fresh.byteLength === 0) return;
        this.#pty.write(fresh, () => typed.upTo(clientId, offset));
      },
      message: (value) => {
        const control = terminalControl.parse(value);
        if (control.kind === 'client') client = control.clientId;
        else if (control.kind === 'rename') this.#facts = { ...this.#facts, name: control.name, look: control.look ?? this.#facts.look };
        else if (control.kind === 'resize') {
          const { cols, rows } = control;
          stream.message({ kind: 'resized', offset: this.#ring.end, cols, rows });
          this.#resize(cols, rows);
        } else {
          this.#unwanted = control.kind === 'pause';
          this.#review();
        }
      },
      reset: () => {
        typed.end();
        if (this.#feed === feed) this.#detach();
      },
    };
  }

  /** Prints a line of the product's own between what programs print. */
  note(text: string): void {
    if (this.#exit === null) this.#output(Buffer.from(`\r\n\u001b[33m[Gatehouse] ${text.replaceAll(/[\p{Cc}]/gu, ' ')}\u001b[0m\r\n`));
  }

  /** Ends the programs. */
  close(): void {
    this.#detach();
    if (this.#exit === null) this.#pty.kill();
  }

  #detach(): void {
    this.#feed?.stop();
    this.#feed = null;
    this.#unwanted = false;
    this.#review();
  }

  #output(bytes: Uint8Array): void {
    this.#ring.append(bytes);
    this.#feed?.changed();
    this.#review();
  }

  #resize(cols: number, rows: number): void {
    this.#facts = { ...this.#facts, cols, rows };
    this.#pty.resize(cols, rows);
  }

  #review(): void {
    const pending = this.#feed?.pending ?? 0;
    const pause = this.#unwanted || pending > (this.#paused ? RESUME_BELOW : PAUSE_ABOVE);
    if (pause === this.#paused) return;
    this.#paused = pause;
    this.#pty.read(!pause);
  }

  #end(exit: ProgramExit): void {
    this.#exit = exit;
    this.#feed?.end(exit);
  }
}
