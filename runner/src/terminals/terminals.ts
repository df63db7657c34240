import { createHash } from 'node:crypto';
import type { PtyInfo } from '@gatehouse/core/protocol/services.ts';
import { taskTitle, type TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import { PLAIN, type TerminalLook } from '@gatehouse/core/protocol/terminals.ts';
import type { HelperClient } from '../channel/helper-client.ts';
import { MOST_TERMINALS, terminalAttached, terminalList } from '../channel/requests.ts';
import { noTape, type TerminalTape } from '../recording/terminal-tape.ts';
import { ServiceFailure } from '../service-failure.ts';
import type { TerminalMemory } from './memory.ts';
import type { Screens } from './screens/screens.ts';
import type { Size } from './size.ts';
import { Terminal, type TerminalFacts } from './terminal.ts';

/** ended terminals are kept, so that their last output can still be read */
const MOST_ENDED = 16;

/** What records each terminal of a workspace, by its id. */
export type Tapes = (terminal: { terminalId: string; title: string }) => TerminalTape;

/** What the policy asks of a workspace's terminals. */
export interface TerminalPolicy {
  tapes: Tapes;
  /** bytes that one program's copy to the clipboard of its viewers may have; null: any */
  mostCopied(): number | null;
}
const noPolicy: TerminalPolicy = { tapes: () => noTape, mostCopied: () => null };

/** `task`: what it runs instead of a shell */
export interface OpeningWish {
  cwd: string;
  name: string | undefined;
  key: string;
  task?: TaskRef | null;
}

/** The terminals of one running workspace. */
export class Terminals {
  readonly #helper: HelperClient;
  readonly #memory: Pick<TerminalMemory, 'lost' | 'keep'>;
  readonly #screens: Screens;
  readonly #policy: TerminalPolicy;
  readonly #terminals = new Map<string, Terminal>();
  /** those whose shell has not started yet: nobody else may see them before */
  readonly #starting = new Map<string, Promise<Terminal>>();
  #count = 0;

  /** @param memory knows those that were lost with an earlier sandbox; they stay until they are closed */
  constructor(helper: HelperClient, memory: Pick<TerminalMemory, 'lost' | 'keep'>, screens: Screens, policy = noPolicy) {
    this.#helper = helper;
    this.#memory = memory;
    this.#screens = screens;
    this.#policy = policy;
    for (const { lost, ...facts } of memory.lost) this.#add(facts, noPolicy).lose(lost ?? '');
  }

  /**
   * Those that live in a sandbox which another runner started, with all the output that is kept of them.
   * @throws Error when the helper does not tell
   */
  static async adopt(helper: HelperClient, memory: TerminalMemory, screens: Screens, policy = noPolicy): Promise<Terminals> {
    const terminals = new Terminals(helper, memory, screens, policy);
    const list = terminalList.parse(await helper.call({ method: 'terminal.list' }));
    const attached = list.terminals.map((facts) =>
      terminals.#add(facts).connect(helper, { method: 'terminal.attach', terminalId: facts.terminalId, from: 0 }),
    );
    for (const head of await Promise.all(attached)) if (!head.ok) throw new Error(String(head['message']));
    terminals.#remember();
    return terminals;
  }

  /**
   * @param wish.key of the opener: the terminal that it opened under this key before is the answer (SPEC T2)
   * @throws ServiceFailure when there are too many, or the shell could not start
   */
  async open(size: Size, { cwd, name, key, task = null }: OpeningWish): Promise<Terminal> {
    const terminalId = createHash('sha256').update(key).digest('base64url').slice(0, 16);
    const known = this.#terminals.get(terminalId) ?? this.#starting.get(terminalId);
    if (known !== undefined) return known;
    const ended = this.list().filter(({ exit }) => exit !== null);
    for (const { terminalId } of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) this.close(terminalId);
    if (this.#terminals.size + this.#starting.size >= MOST_TERMINALS)
      throw new ServiceFailure('limit', `A workspace has at most ${MOST_TERMINALS} terminals`);
    const called = name ?? (task === null ? `Terminal ${this.#count + 1}` : taskTitle(task).slice(0, 80));
    const starting = this.#start({ terminalId, name: called, look: PLAIN, task, ...size }, cwd);
    this.#starting.set(terminalId, starting);
    return starting.finally(() => this.#starting.delete(terminalId));
  }

  /** @throws ServiceFailure `not-found` */
  find(id: string): Terminal {
    const terminal = this.#terminals.get(id);
    if (terminal === undefined) throw new ServiceFailure('not-found', 'This terminal is closed');
    return terminal;
  }

  list(): PtyInfo[] {
    return [...this.#terminals.values()].map((terminal) => terminal.info);
  }

  /** Who may drive may have changed (SPEC P5). */
  reviewDrivers(): void {
    for (const terminal of this.#terminals.values()) terminal.reviewDriver();
  }

  /** @throws ServiceFailure `not-found` */
  rename(id: string, name: string, look?: TerminalLook): void {
    this.find(id).rename(name, look);
    this.#remember();
  }

  /** @returns the helper's answer: the program that runs in it besides its shell. @throws ServiceFailure `not-found` */
  foreground(id: string): Promise<object> {
    return this.#helper.call({ method: 'terminal.foreground', terminalId: this.find(id).id });
  }

  /** Ends its programs. @throws ServiceFailure `not-found` */
  close(id: string): void {
    this.find(id).close();
    this.#terminals.delete(id);
    void this.#helper.call({ method: 'terminal.close', terminalId: id });
    this.#remember();
  }

  /** Leaves all of them, and their recordings, to the next runner. */
  leave(): void {
    for (const terminal of this.#terminals.values()) terminal.leave();
  }

  async #start(facts: Required<TerminalFacts>, cwd: string): Promise<Terminal> {
    const terminal = this.#make(facts);
    const recorded = terminal.record();
    if (!recorded.shown) throw new ServiceFailure('refused', recorded.reason);
    const head = await terminal.connect(this.#helper, { method: 'terminal.open', cwd, ...facts });
    if (!head.ok) {
      const reason = `The terminal could not start: ${'message' in head ? String(head.message) : ''}`;
      terminal.lose(reason);
      throw new ServiceFailure('internal', reason);
    }
    if (facts.task !== null && terminalAttached.parse(head).terminal.task === null) {
      terminal.close();
      void this.#helper.call({ method: 'terminal.close', terminalId: terminal.id });
      throw new ServiceFailure('refused', 'This workspace runs programs of an earlier release: restart it to run tasks');
    }
    this.#terminals.set(terminal.id, terminal);
    this.#remember();
    return terminal;
  }

  #add(facts: TerminalFacts, policy = this.#policy): Terminal {
    const terminal = this.#make(facts, policy);
    this.#terminals.set(terminal.id, terminal);
    return terminal;
  }

  #make(facts: TerminalFacts, { tapes, mostCopied } = this.#policy): Terminal {
    this.#count = Math.max(this.#count, Number(/^Terminal (\d{1,6})$/.exec(facts.name)?.[1] ?? 0));
    const tape = tapes({ terminalId: facts.terminalId, title: facts.name });
    return new Terminal(facts, this.#screens, { ended: () => this.#remember(), tape, mostCopied });
  }

  #remember(): void {
    this.#memory.keep(this.list());
  }
}
