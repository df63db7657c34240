import type { z } from 'zod';
import type { HelperSettings, TerminalInfo, terminalOpen } from '../channel/requests.ts';
import { ServiceFailure } from '../service-failure.ts';
import { placeOf } from './paths.ts';
import { SHELL_MARKS } from './shell-marks.ts';
import { taskArguments } from './tasks/task-program.ts';
import { Terminal } from './terminal.ts';

const SHELL = '/bin/bash';
const COLORS = { COLORTERM: 'truecolor' };

/** The terminals of this sandbox, by the ids that runners give them. */
export class Terminals {
  readonly #settings: HelperSettings;
  readonly #terminals = new Map<string, Terminal>();

  constructor(settings: HelperSettings) {
    this.#settings = settings;
  }

  /** @throws Error when the shell can't start */
  open({ terminalId, name, cols, rows, look, task, cwd }: z.infer<typeof terminalOpen>): Terminal {
    if (this.#terminals.has(terminalId)) throw new ServiceFailure('exists', 'A terminal of this id is already there');
    const { root, environment } = this.#settings;
    const place = placeOf(root, task?.folder ?? cwd);
    const terminal = new Terminal(
      { terminalId, name, cols, rows, look, task },
      task === null
        ? { file: SHELL, args: [], cwd: place, env: { ...COLORS, ...SHELL_MARKS, ...environment } }
        : { file: SHELL, args: taskArguments(task), cwd: place, env: { ...COLORS, ...environment } },
    );
    this.#terminals.set(terminalId, terminal);
    return terminal;
  }

  /** @throws ServiceFailure `not-found` */
  find(terminalId: string): Terminal {
    const terminal = this.#terminals.get(terminalId);
    if (terminal === undefined) throw new ServiceFailure('not-found', 'This terminal is closed');
    return terminal;
  }

  get list(): TerminalInfo[] {
    return [...this.#terminals.values()].map((terminal) => terminal.info);
  }

  /** Tells something in all of them. */
  note(text: string): void {
    for (const terminal of this.#terminals.values()) terminal.note(text);
  }

  close(terminalId: string): void {
    this.#terminals.get(terminalId)?.close();
    this.#terminals.delete(terminalId);
  }
}
