import type { PtyInfo } from '@gatehouse/core/protocol/services.ts';
import type { Clock } from '../connection/ports.ts';
import { StreamError, wordsOf } from '../connection/stream-error.ts';
import type { Services } from '../connection/streams.ts';
import { Terminal, type MakeScreen, type TerminalScreen } from './terminal.svelte.ts';

const SIZE = { cols: 80, rows: 24 };

/** Terminals that are seen side by side, behind one tab. */
export interface TerminalGroup<S extends TerminalScreen> {
  key: string;
  terminals: Terminal<S>[];
}

/** All terminals of the page, in groups: a tab each, split side by side. */
export class Terminals<S extends TerminalScreen = TerminalScreen> {
  readonly #services: Services;
  readonly #clock: Clock;
  readonly #makeScreen: MakeScreen<S>;
  #made = 0;
  groups = $state.raw<readonly TerminalGroup<S>[]>([]);
  /** the one that has the keyboard, or had it last */
  active = $state.raw<Terminal<S> | null>(null);
  error = $state<string | null>(null);
  /** whether text is being looked for in the active one */
  searching = $state(false);
  /** whether the runner has told which terminals exist */
  known = $state(false);

  readonly all: readonly Terminal<S>[] = $derived(this.groups.flatMap(({ terminals }) => terminals));
  readonly activeGroup: TerminalGroup<S> | null = $derived(this.#groupOf(this.active));
  readonly catchingUp: boolean = $derived(this.all.some((terminal) => terminal.catchingUp));

  constructor(services: Services, clock: Clock, makeScreen: MakeScreen<S>) {
    this.#services = services;
    this.#clock = clock;
    this.#makeScreen = makeScreen;
  }

  /** A new connection stands: join what is shown, show what the runner has, and open one where there is none. */
  async connected(): Promise<void> {
    this.error = null;
    for (const terminal of this.all) if (terminal.link.terminalId !== null && terminal.lost === null) terminal.link.connect();
    try {
      const { terminals } = await this.#services.call({ method: 'pty.list' });
      this.#reconcile(terminals);
      this.known = true;
    } catch (thrown) {
      if (!(thrown instanceof StreamError && thrown.code === 'disconnected')) this.error = wordsOf(thrown);
      return;
    }
    if (this.all.length === 0) this.create();
  }

  create(name = ''): Terminal<S> {
    const terminal = this.#make({ terminalId: null, name, ...SIZE });
    this.groups = [...this.groups, { key: terminal.key, terminals: [terminal] }];
    this.active = terminal;
    terminal.link.connect();
    return terminal;
  }

  /** Opens another beside the active one. */
  split(): Terminal<S> {
    const group = this.activeGroup;
    if (group === null) return this.create();
    const terminal = this.#make({ terminalId: null, name: '', ...SIZE });
    this.groups = this.groups.map((other) => (other === group ? { ...other, terminals: [...other.terminals, terminal] } : other));
    this.active = terminal;
    terminal.link.connect();
    return terminal;
  }

  /** Ends the terminal's programs and takes it away. */
  async close(terminal: Terminal<S>): Promise<void> {
    const { terminalId } = terminal.link;
    try {
      if (terminalId !== null && terminal.lost === null) await this.#services.call({ method: 'pty.close', terminalId });
    } catch (thrown) {
      if (!(thrown instanceof StreamError && thrown.code === 'not-found')) {
        this.error = `“${terminal.name}” was not closed. ${wordsOf(thrown)}`;
        return;
      }
    }
    this.#remove(terminal);
  }

  async rename(terminal: Terminal<S>, name: string): Promise<void> {
    const { terminalId } = terminal.link;
    const before = terminal.name;
    if (name.trim() === '' || name === before || terminalId === null) return;
    terminal.name = name.trim().slice(0, 80);
    try {
      await this.#services.call({ method: 'pty.rename', terminalId, name: terminal.name });
    } catch (thrown) {
      terminal.name = before;
      this.error = `The terminal was not renamed. ${wordsOf(thrown)}`;
    }
  }

  /** Moves to the terminal `step` places on, around the end. */
  cycle(step: 1 | -1): void {
    const at = this.active === null ? -1 : this.all.indexOf(this.active);
    if (this.all.length > 0) this.active = this.all[(at + step + this.all.length) % this.all.length] ?? null;
  }

  dispose(): void {
    for (const terminal of this.all) {
      terminal.link.detach();
      terminal.screen.dispose();
    }
    this.groups = [];
  }

  #reconcile(existing: readonly PtyInfo[]): void {
    const shown = this.all.map(({ link }) => link.terminalId);
    const unknown = existing.filter(({ terminalId }) => !shown.includes(terminalId));
    // Opened before a cut, and the answer was lost in it: the terminal is there, and this is it.
    for (const terminal of this.all) {
      if (terminal.link.terminalId !== null || terminal.link.busy) continue;
      const found = this.known ? unknown.shift() : undefined;
      if (found !== undefined) terminal.link.adopt(found.terminalId);
      terminal.link.connect();
    }
    for (const info of unknown) {
      const terminal = this.#make(info);
      this.groups = [...this.groups, { key: terminal.key, terminals: [terminal] }];
      this.active ??= terminal;
      terminal.link.connect();
    }
  }

  #make(info: Pick<PtyInfo, 'name' | 'cols' | 'rows'> & { terminalId: string | null }): Terminal<S> {
    this.#made += 1;
    return new Terminal(this.#services, this.#clock, this.#makeScreen, `terminal-${this.#made}`, info);
  }

  #groupOf(terminal: Terminal<S> | null): TerminalGroup<S> | null {
    return this.groups.find(({ terminals }) => terminal !== null && terminals.includes(terminal)) ?? null;
  }

  #remove(terminal: Terminal<S>): void {
    const group = this.#groupOf(terminal);
    const at = this.all.indexOf(terminal);
    terminal.link.detach();
    terminal.screen.dispose();
    this.groups = this.groups
      .map((other) => (other === group ? { ...other, terminals: other.terminals.filter((one) => one !== terminal) } : other))
      .filter(({ terminals }) => terminals.length > 0);
    if (this.active === terminal) this.active = this.all[Math.max(0, at - 1)] ?? null;
  }
}
