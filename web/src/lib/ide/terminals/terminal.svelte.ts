import type { PtyExit, PtyInfo } from '@gatehouse/core/protocol/services.ts';
import type { Clock } from '../connection/ports.ts';
import type { Services } from '../connection/streams.ts';
import { TerminalLink, type Screen, type Size } from './terminal-link.ts';

export type ExitStatus = PtyExit;

/** What the page makes for each terminal to be seen in. */
export interface TerminalScreen extends Screen {
  dispose(): void;
}

export type MakeScreen<S extends TerminalScreen> = (terminal: Terminal<S>, size: Size) => S;

/** One terminal of the page. `key` names it here; the runner's name for it comes with the first answer. */
export class Terminal<S extends TerminalScreen = TerminalScreen> {
  readonly key: string;
  readonly screen: S;
  readonly link: TerminalLink;
  name = $state('');
  exit = $state.raw<ExitStatus | null>(null);
  /** why it can't be shown any more */
  lost = $state<string | null>(null);
  /** bytes typed that wait for the connection */
  pending = $state(0);
  /** the last keystrokes were not kept, because too many wait already */
  overflowed = $state(false);
  catchingUp = $state(false);

  constructor(
    services: Services,
    clock: Clock,
    makeScreen: MakeScreen<S>,
    key: string,
    info: Pick<PtyInfo, 'name' | 'cols' | 'rows'> & { terminalId: string | null },
  ) {
    this.key = key;
    this.name = info.name;
    const size = { cols: info.cols, rows: info.rows };
    this.screen = makeScreen(this, size);
    this.link = new TerminalLink(
      services,
      clock,
      this.screen,
      {
        opened: ({ name, exit }) => {
          this.name = name;
          this.exit = exit;
          this.lost = null;
        },
        message: (message) => {
          if (message.kind === 'exit') this.exit = { code: message.code, signal: message.signal, reason: message.reason };
          else this.name = message.name;
        },
        pending: (bytes) => {
          this.pending = bytes;
          if (bytes === 0) this.overflowed = false;
        },
        catchingUp: (behind) => (this.catchingUp = behind),
        lost: ({ message }) => (this.lost = message),
      },
      { id: info.terminalId, name: info.name, size },
    );
  }

  input(text: string): void {
    if (this.exit !== null || this.lost !== null) return;
    if (!this.link.input(text)) this.overflowed = true;
  }

  /** How it ended, in words; null while it runs. */
  get ending(): string | null {
    if (this.lost !== null) return this.lost;
    if (this.exit === null) return null;
    if (this.exit.reason !== undefined) return this.exit.reason;
    return this.exit.signal === null ? `Exited with ${this.exit.code ?? 'no code'}` : `Ended by ${this.exit.signal}`;
  }
}
