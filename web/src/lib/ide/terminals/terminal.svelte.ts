import type { PtyExit } from '@gatehouse/core/protocol/services.ts';
import type { TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import { PLAIN, type TerminalLook } from '@gatehouse/core/protocol/terminals.ts';
import type { Clock } from '../connection/ports.ts';
import type { Services } from '../connection/streams.ts';
import type { ShellCommand } from './shell-marks.ts';
import type { Mark } from './terminal-notices.ts';
import { TerminalLink, type LinkedTerminal, type Screen, type Size } from './terminal-link.ts';

/** What the page makes for each terminal to be seen in. */
export interface TerminalScreen extends Screen {
  /** whether keys go nowhere */
  readOnly: boolean;
  dispose(): void;
}

export type MakeScreen<S extends TerminalScreen> = (terminal: Terminal<S>, size: Size) => S;

/** One terminal of the page. `key` names it here; the runner's name for it comes with the first answer. */
export class Terminal<S extends TerminalScreen = TerminalScreen> {
  readonly key: string;
  readonly screen: S;
  readonly link: TerminalLink;
  name = $state('');
  look = $state.raw<TerminalLook>(PLAIN);
  /** the task that it runs instead of a shell */
  readonly task: TaskRef | null;
  /** what its program calls itself */
  title = $state('');
  /** what happened while nobody looked; null: nothing */
  mark = $state<Mark | null>(null);
  /** whose output goes on above what is in sight */
  above = $state.raw<ShellCommand | null>(null);
  exit = $state.raw<PtyExit | null>(null);
  /** why it can't be shown any more */
  lost = $state<string | null>(null);
  /** SPEC T7: why its output and input wait, for a person to read */
  held = $state<string | null>(null);
  /** bytes typed that wait for the connection */
  pending = $state(0);
  /** the last keystrokes were not kept, because too many wait already */
  overflowed = $state(false);
  catchingUp = $state(false);
  /** what the terminal has, and what the page has room for */
  size = $state.raw<Size>({ cols: 0, rows: 0 });
  room = $state.raw<Size | null>(null);
  #mayType = $state(true);

  constructor(services: Services, clock: Clock, makeScreen: MakeScreen<S>, info: LinkedTerminal) {
    this.key = info.key;
    this.name = info.name;
    this.task = info.task ?? null;
    this.size = info.size;
    this.screen = makeScreen(this, info.size);
    this.link = new TerminalLink(
      services,
      clock,
      this.screen,
      {
        opened: ({ name, look, exit }) => {
          this.name = name;
          this.look = look;
          this.exit = exit;
          this.lost = null;
          this.held = null;
        },
        exited: (exit) => (this.exit = exit),
        renamed: (name, look) => {
          this.name = name;
          this.look = look;
        },
        held: (reason) => (this.held = reason),
        sized: ({ cols, rows }) => (this.size = { cols, rows }),
        pending: (bytes) => {
          this.pending = bytes;
          if (bytes === 0) this.overflowed = false;
        },
        catchingUp: (behind) => (this.catchingUp = behind),
        lost: ({ message }) => (this.lost = message),
      },
      info,
    );
  }

  /** SPEC P2: whether this page drives. */
  get mayType(): boolean {
    return this.#mayType;
  }

  set mayType(mayType: boolean) {
    this.#mayType = this.link.mayType = mayType;
    this.screen.readOnly = !mayType;
  }

  input(text: string): void {
    if (this.exit !== null || this.lost !== null || !this.#mayType) return;
    if (!this.link.input(text)) this.overflowed = true;
  }

  /** The page has room for another size than before. */
  fits(room: Size): void {
    this.room = room;
    this.link.wish(room);
  }

  /** The size when it is not the one that the page would give it; null: it fits. */
  get foreignSize(): Size | null {
    const { room, size } = this;
    return room === null || (room.cols === size.cols && room.rows === size.rows) ? null : size;
  }

  /** Whether keys go to the program now, and what it said so far is on the screen. */
  get interactive(): boolean {
    return this.ending === null && this.pending === 0 && !this.catchingUp;
  }

  /** How it ended, in words; null while it runs. */
  get ending(): string | null {
    if (this.lost !== null) return this.lost;
    if (this.exit === null) return null;
    const { code, signal, reason } = this.exit;
    if (reason !== undefined) return `Ended: ${reason}`;
    return signal === null ? `Exited with ${code ?? 'no code'}` : `Ended by ${signal}`;
  }
}
