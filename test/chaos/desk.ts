import type { ProofKey } from '../../web/src/lib/ide/connection/ports.ts';
import type { Person } from '../../scripts/api.ts';
import { NodePage } from '../support/node-page.ts';
import type { Address } from '../support/node-socket.ts';
import { Network } from '../support/network.ts';
import type { PageTerminal } from '../support/page-terminal.ts';
import type { Product } from '../support/product.ts';
import { Seen } from './recorder.ts';
import type { Typist } from './typist.ts';

/** One terminal as a desk shows it. */
interface Window {
  terminal: PageTerminal;
  seen: Seen;
  typist: Typist;
}

/** Somebody at a page behind a network of its own, with every terminal of the workspace in sight. */
export class Desk {
  readonly network: Network;
  readonly #owner: Person;
  readonly #address: Address;
  readonly #key: ProofKey;
  readonly #hire: (terminal: PageTerminal) => Typist;
  page!: NodePage;
  windows: Window[] = [];
  /** close codes of all its pages */
  readonly closes: number[] = [];

  private constructor(owner: Person, address: Address, network: Network, key: ProofKey, hire: (terminal: PageTerminal) => Typist) {
    this.#owner = owner;
    this.#address = address;
    this.network = network;
    this.#key = key;
    this.#hire = hire;
  }

  static async set(product: Product, owner: Person, workspaceId: string, hire: (terminal: PageTerminal) => Typist): Promise<Desk> {
    const network = await Network.before(product.port);
    const address = { origin: product.origin, workspaceId, via: network.port };
    const desk = new Desk(owner, address, network, await owner.key, hire);
    desk.page = await NodePage.load(owner, address, desk.#key);
    return desk;
  }

  /** Opens a terminal, or joins it. */
  async open(id: string | null): Promise<Window> {
    const seen = new Seen();
    const terminal = await this.page.terminal(id, seen.take);
    const window = { terminal, seen, typist: this.#hire(terminal) };
    this.windows.push(window);
    return window;
  }

  /** Loads the page anew: what it had typed and not sent is gone, what it showed comes back as a state of the screen. */
  async reload(): Promise<void> {
    const ids = this.windows.map(({ terminal }) => terminal.id);
    this.close();
    this.windows = [];
    this.page = await NodePage.load(this.#owner, this.#address, this.#key);
    for (const id of ids) await this.open(id);
  }

  close(): void {
    this.closes.push(...this.page.closes);
    this.page.close();
  }
}
