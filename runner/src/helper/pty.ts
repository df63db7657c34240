import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { spawn } from '@lydell/node-pty';
import type { ProgramExit } from '../channel/requests.ts';
import { makeExpendable } from './expendable.ts';

const KILL_AFTER_MS = 2000;
/** a program that does not read is tried again ever more seldom */
const TRY_AGAIN_MS = { first: 1, last: 100 };

/** With `encoding: null` the PTY speaks bytes both ways; that, `fd` and `on` its published types do not say. */
interface BytePty {
  readonly pid: number;
  readonly fd: number;
  on(event: 'close', listener: () => void): void;
  on(event: 'newListener', listener: (event: string) => void): void;
  onData(listener: (piece: string | Uint8Array) => void): unknown;
  onExit(listener: (exit: { exitCode: number; signal?: number }) => void): unknown;
  resize(cols: number, rows: number): void;
  pause(): void;
  resume(): void;
}

export interface Program {
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

export interface PtyEvents {
  data(bytes: Uint8Array): void;
  exit(exit: ProgramExit): void;
}

const signalName = (number: number | undefined): string | null =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN';

/** A program on a terminal of its own. */
export class Pty {
  readonly #pty: BytePty;
  #input: { bytes: Uint8Array; typed: () => void }[] = [];
  /** milliseconds until the program is tried again; 0: it takes what comes */
  #wait = 0;
  #closed = false;
  /** the program has ended, and its last output is read whoever is slow */
  #draining = false;
  #ended = false;

  /** @throws Error when it can't start */
  constructor({ file, args, ...options }: Program & { cols: number; rows: number }, events: PtyEvents) {
    const pty = spawn(file, args, { name: 'xterm-256color', ...options, encoding: null }) as unknown as BytePty;
    this.#pty = pty;
    makeExpendable(pty.pid);
    pty.on('close', () => (this.#closed = true));
    // It listens for its own close when the program has ended, and closes within 200 ms: what is left is read before.
    pty.on('newListener', (event) => event === 'close' && this.#drain());
    pty.onData((piece) => events.data(typeof piece === 'string' ? Buffer.from(piece) : piece));
    pty.onExit(({ exitCode, signal }) => {
      this.#ended = true;
      const name = signalName(signal);
      events.exit({ kind: 'exit', code: name === null ? exitCode : null, signal: name });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** Types what is given, in order; what the program does not take yet waits here. @param typed it has all of it */
  write(bytes: Uint8Array, typed: () => void): void {
    this.#input.push({ bytes, typed });
    if (this.#wait === 0) this.#type();
  }

  resize(cols: number, rows: number): void {
    if (!this.#closed) this.#pty.resize(cols, rows);
  }

  /** Whether output is read; while it is not, the program waits once the system's own buffer is full. */
  read(wanted: boolean): void {
    if (this.#closed || this.#draining) return;
    if (wanted) this.#pty.resume();
    else this.#pty.pause();
  }

  /** Hangs up, and kills what does not mind. */
  kill(): void {
    this.read(true);
    this.#signal('SIGHUP');
    setTimeout(() => this.#signal('SIGKILL'), KILL_AFTER_MS).unref();
  }

  #drain(): void {
    this.#draining = true;
    if (!this.#closed) this.#pty.resume();
  }

  /** Not by the PTY's own stream, which would stop this whole process until a program that reads no input does. */
  #type(): void {
    const wait = Math.min(Math.max(TRY_AGAIN_MS.first, 2 * this.#wait), TRY_AGAIN_MS.last);
    this.#wait = 0;
    let some = false;
    try {
      for (let [next] = this.#input; next !== undefined && !this.#closed; [next] = this.#input) {
        const written = writeSync(this.#pty.fd, next.bytes);
        some = true;
        next.bytes = next.bytes.subarray(written);
        if (next.bytes.byteLength > 0) continue;
        this.#input.shift();
        next.typed();
      }
    } catch (error) {
      if (!isFull(error)) return void (this.#input = []);
      this.#wait = some ? TRY_AGAIN_MS.first : wait;
      setTimeout(() => this.#type(), this.#wait);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (!this.#ended) process.kill(-this.#pty.pid, signal);
    } catch {
      // the group has ended already
    }
  }
}
