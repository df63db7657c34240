import type { IMarker, Terminal } from '@xterm/xterm';
import { textBetween } from './buffer-text.ts';

/** A command that a shell ran, by the marks that it left (OSC 133, OSC 633). */
export interface ShellCommand {
  /** where its prompt stands */
  readonly prompt: IMarker;
  text: string;
  /** where it works; null: nobody said */
  cwd: string | null;
  /** where its output begins and ends; null: it has not yet */
  output: IMarker | null;
  end: IMarker | null;
  /** null: it runs, or nobody said */
  exit: number | null;
  /** milliseconds since the epoch; null: it began before this page looked */
  startedAt: number | null;
  /** milliseconds; null: nobody knows */
  took: number | null;
}

export interface MarkEvents {
  now(): number;
  /** what is parsed now was said before this page looked */
  replaying(): boolean;
  started(command: ShellCommand): void;
  finished(command: ShellCommand): void;
}

const MOST_COMMANDS = 1000;
const MOST_TEXT = 500;

/** Follows a shell's prompts and commands. What a shell does not mark is not there. */
export class ShellMarks {
  readonly #terminal: Terminal;
  readonly #events: MarkEvents;
  #commands: ShellCommand[] = [];
  #prompt: IMarker | null = null;
  #input: { marker: IMarker; column: number } | null = null;
  #running: ShellCommand | null = null;
  /** where the shell works, as it says */
  cwd: string | null = null;

  constructor(terminal: Terminal, events: MarkEvents) {
    this.#terminal = terminal;
    this.#events = events;
    for (const code of [133, 633]) terminal.parser.registerOscHandler(code, (data) => this.#take(data));
  }

  /** those that are still in the scrollback, oldest first */
  get commands(): readonly ShellCommand[] {
    this.#commands = this.#commands.filter(({ prompt }) => !prompt.isDisposed);
    return this.#commands;
  }

  get running(): ShellCommand | null {
    return this.#running;
  }

  /** The command whose prompt or output has this line of the buffer. */
  at(line: number): ShellCommand | null {
    return this.commands.findLast(({ prompt }) => prompt.line <= line) ?? null;
  }

  /** What the newest command that has output printed. */
  get lastOutput(): string | null {
    const command = this.commands.findLast(({ output }) => output !== null);
    const output = command?.output ?? null;
    if (command === undefined || output === null) return null;
    const { baseY, cursorY } = this.#terminal.buffer.active;
    const end = command.end?.line ?? baseY + cursorY;
    return textBetween(this.#terminal.buffer.active, output.line, end).replace(/\n+$/, '');
  }

  /** All is forgotten: the screen is drawn anew. */
  reset(): void {
    this.#commands = [];
    this.#prompt = this.#input = this.#running = null;
  }

  #take(data: string): boolean {
    if (this.#terminal.buffer.active.type === 'alternate') return true;
    const [kind = '', ...rest] = data.split(';');
    if (kind === 'A') this.#prompt = this.#mark();
    else if (kind === 'B') this.#begins();
    else if (kind === 'C') this.#runs();
    else if (kind === 'D') this.#ends(rest[0] ?? '');
    else if (kind === 'P' && rest[0]?.startsWith('Cwd=') === true) this.cwd = rest.join(';').slice('Cwd='.length);
    return true;
  }

  #begins(): void {
    const marker = this.#mark();
    if (marker !== null) this.#input = { marker, column: this.#terminal.buffer.active.cursorX };
  }

  #runs(): void {
    const output = this.#mark();
    const prompt = this.#prompt ?? output;
    if (output === null || prompt === null) return;
    const startedAt = this.#events.replaying() ? null : this.#events.now();
    const command: ShellCommand = {
      prompt,
      text: this.#typed(output.line),
      cwd: this.cwd,
      output,
      end: null,
      exit: null,
      startedAt,
      took: null,
    };
    this.#running = command;
    this.#commands.push(command);
    if (this.#commands.length > MOST_COMMANDS) this.#commands.shift();
    this.#input = null;
    this.#events.started(command);
  }

  #ends(code: string): void {
    const command = this.#running;
    this.#running = null;
    if (command === null) return;
    command.exit = /^\d{1,3}$/.test(code) ? Number(code) : null;
    command.end = this.#mark();
    if (command.startedAt !== null) command.took = this.#events.now() - command.startedAt;
    this.#events.finished(command);
  }

  /** What stands between the end of the prompt and the beginning of the output. */
  #typed(to: number): string {
    if (this.#input === null || this.#input.marker.isDisposed) return '';
    const text = textBetween(this.#terminal.buffer.active, this.#input.marker.line, to);
    return text.slice(this.#input.column).trim().slice(0, MOST_TEXT);
  }

  #mark(): IMarker | null {
    return this.#terminal.registerMarker(0) ?? null;
  }
}
