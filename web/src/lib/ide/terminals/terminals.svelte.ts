import type { PtyInfo } from '@gatehouse/core/protocol/services.ts';
import type { TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import type { TerminalLook } from '@gatehouse/core/protocol/terminals.ts';
import type { Clock } from '../connection/ports.ts';
import { StreamError, wordsOf } from '../connection/stream-error.ts';
import type { Services } from '../connection/streams.ts';
import { arranged, idsOf, moved, type Arrangement } from './arrangement.ts';
import type { LinkedTerminal } from './terminal-link.ts';
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
  readonly #makeKey: () => string;
  /** how the terminals stood when somebody left */
  readonly #arrangement: Arrangement;
  #mayType = $state(false);
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

  /** @param makeKey names a new terminal as none was named before, in 8 to 64 characters */
  constructor(services: Services, clock: Clock, makeScreen: MakeScreen<S>, makeKey: () => string, arrangement: Arrangement = []) {
    this.#services = services;
    this.#clock = clock;
    this.#makeScreen = makeScreen;
    this.#makeKey = makeKey;
    this.#arrangement = arrangement;
  }

  /** SPEC P2: whether this page drives: only then are terminals typed into, opened, renamed or ended from here. */
  get mayType(): boolean {
    return this.#mayType;
  }

  set mayType(mayType: boolean) {
    if (mayType === this.#mayType) return;
    this.#mayType = mayType;
    for (const terminal of this.all) terminal.mayType = mayType;
    if (this.known && this.all.length === 0) this.create();
  }

  /** A new connection stands: join what is shown, show what the runner has, and open one where there is none. */
  async connected(): Promise<void> {
    this.error = null;
    // what is still being opened would else be taken for one that somebody else opened
    const opening = this.all.filter(({ lost }) => lost === null).map(({ link }) => [link.terminalId, link.connect()] as const);
    await Promise.all(opening.filter(([terminalId]) => terminalId === null).map(([, answered]) => answered));
    const isFirst = !this.known;
    const existing = await this.refresh();
    // A page that is opened leads to a prompt, even where an earlier terminal was lost and stays to say so.
    if (existing !== null && (this.all.length === 0 || (isFirst && existing.every(({ exit }) => exit !== null)))) this.create();
  }

  /** Shows the terminals that were opened elsewhere. @returns what the runner has; null: it could not be asked */
  async refresh(): Promise<readonly PtyInfo[] | null> {
    try {
      const { terminals } = await this.#services.call({ method: 'pty.list' });
      this.#reconcile(terminals);
      this.known = true;
      return terminals;
    } catch (thrown) {
      if (!(thrown instanceof StreamError && thrown.code === 'disconnected')) this.error = wordsOf(thrown);
      return null;
    }
  }

  /** Opens a terminal. @returns null when only somebody else may */
  create(name = ''): Terminal<S> | null {
    if (!this.#mayType) return null;
    const terminal = this.#make({ id: null, key: this.#makeKey(), name, size: SIZE });
    this.groups = [...this.groups, { key: terminal.key, terminals: [terminal] }];
    this.active = terminal;
    void terminal.link.connect();
    return terminal;
  }

  /** Runs a task on a terminal of its own, in the place of one that it ran on before. @returns null when only somebody else may */
  run(task: TaskRef, name: string, before: Terminal<S> | null): Terminal<S> | null {
    if (!this.#mayType) return null;
    const terminal = this.#make({ id: null, key: this.#makeKey(), name, size: SIZE, task });
    const group = this.#groupOf(before);
    if (group === null) this.groups = [...this.groups, { key: terminal.key, terminals: [terminal] }];
    else {
      const terminals = group.terminals.map((each) => (each === before ? terminal : each));
      this.groups = this.groups.map((other) => (other === group ? { ...group, terminals } : other));
    }
    this.active = terminal;
    void terminal.link.connect();
    if (before !== null) void this.#end(before);
    return terminal;
  }

  /** Opens another beside the active one. */
  split(): Terminal<S> | null {
    const group = this.activeGroup;
    if (group === null || !this.#mayType) return this.create();
    const terminal = this.#make({ id: null, key: this.#makeKey(), name: '', size: SIZE });
    this.groups = this.groups.map((other) => (other === group ? { ...other, terminals: [...other.terminals, terminal] } : other));
    this.active = terminal;
    void terminal.link.connect();
    return terminal;
  }

  /** The program that runs in a terminal besides its shell; null: none, or nobody can tell. */
  async foreground({ link: { terminalId }, exit, lost }: Terminal<S>): Promise<string | null> {
    if (terminalId === null || exit !== null || lost !== null) return null;
    try {
      return (await this.#services.call({ method: 'pty.foreground', terminalId })).program;
    } catch {
      // a runner of an earlier release does not tell; that it is away, the closing says
      return null;
    }
  }

  /** Moves a terminal's tab so many places on. */
  move(terminal: Terminal<S> | null, by: number): void {
    const group = this.#groupOf(terminal);
    if (group !== null) this.groups = moved(this.groups, this.groups.indexOf(group), this.groups.indexOf(group) + by);
  }

  /** How the terminals stand now. */
  get arrangement(): Arrangement {
    return this.known ? idsOf(this.groups) : this.#arrangement;
  }

  /** Ends the terminal's programs and takes it away. */
  async close(terminal: Terminal<S>): Promise<void> {
    const { terminalId } = terminal.link;
    if (!this.#mayType && terminal.lost === null) return;
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

  async rename(terminal: Terminal<S>, name: string, look: TerminalLook = terminal.look): Promise<void> {
    const { terminalId } = terminal.link;
    const { name: before, look: lookBefore } = terminal;
    const same = name.trim() === before && look.color === lookBefore.color && look.icon === lookBefore.icon;
    if (!this.#mayType || name.trim() === '' || same || terminalId === null) return;
    terminal.name = name.trim().slice(0, 80);
    terminal.look = look;
    try {
      await this.#services.call({ method: 'pty.rename', terminalId, name: terminal.name, look });
    } catch (thrown) {
      terminal.name = before;
      terminal.look = lookBefore;
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
    if (this.all.some(({ link, lost }) => link.terminalId === null && lost === null)) return;
    const shown = this.all.map(({ link }) => link.terminalId);
    const unseen = existing.filter((info) => !shown.includes(info.terminalId));
    const first = unseen.find(({ exit }) => exit === null) ?? unseen[0];
    for (const info of unseen) {
      const { terminalId, name, cols, rows, task } = info;
      const terminal = this.#make({ id: terminalId, key: this.#makeKey(), name, size: { cols, rows }, task });
      this.groups = [...this.groups, { key: terminal.key, terminals: [terminal] }];
      if (info === first) this.active ??= terminal;
      void terminal.link.connect();
    }
    if (!this.known) this.groups = arranged(this.groups, this.#arrangement);
  }

  /** It is not shown any more: that its programs end is asked, and not waited for. */
  async #end({ link, lost, screen }: Terminal<S>): Promise<void> {
    const { terminalId } = link;
    link.detach();
    screen.dispose();
    if (terminalId === null || lost !== null) return;
    await this.#services.call({ method: 'pty.close', terminalId }).catch((thrown: unknown) => {
      if (!(thrown instanceof StreamError && thrown.code === 'not-found')) this.error = `What ran before was not ended. ${wordsOf(thrown)}`;
    });
  }

  #make(info: LinkedTerminal): Terminal<S> {
    const terminal = new Terminal(this.#services, this.#clock, this.#makeScreen, info);
    terminal.mayType = this.#mayType;
    return terminal;
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
