import { randomBytes } from 'node:crypto';
import type { PtyInfo } from '@gatehouse/core/protocol/services.ts';
import type { HelperClient } from '../channel/helper-client.ts';
import { ServiceFailure } from '../service-failure.ts';
import type { Screens } from './screens/screens.ts';
import { Terminal, type Size } from './terminal.ts';

const MOST = 64;
/** ended terminals are kept, so that their last output can still be read */
const MOST_ENDED = 16;

/** The terminals of one running workspace. */
export class Terminals {
  readonly #helper: HelperClient;
  readonly #screens: Screens;
  readonly #terminals = new Map<string, Terminal>();
  #count = 0;

  constructor(helper: HelperClient, screens: Screens) {
    this.#helper = helper;
    this.#screens = screens;
  }

  /** @throws ServiceFailure when there are too many, or the shell could not start */
  async open(size: Size, cwd: string, name?: string): Promise<Terminal> {
    const ended = [...this.#terminals.values()].filter((terminal) => terminal.info.exit !== null);
    for (const terminal of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) this.#terminals.delete(terminal.id);
    if (this.#terminals.size >= MOST) throw new ServiceFailure('limit', `A workspace has at most ${MOST} terminals`);
    const id = randomBytes(9).toString('base64url');
    const terminal = new Terminal(this.#helper, this.#screens, id, name ?? `Terminal ${++this.#count}`, size, cwd);
    this.#terminals.set(id, terminal);
    const head = await terminal.opened;
    if (!head.ok) {
      this.#terminals.delete(id);
      throw new ServiceFailure('internal', `The terminal could not start: ${'message' in head ? String(head.message) : ''}`);
    }
    return terminal;
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

  /** @throws ServiceFailure `not-found` */
  close(id: string): void {
    this.find(id).close();
    this.#terminals.delete(id);
  }
}
