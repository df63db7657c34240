import type { WebSocket } from 'ws';
import { attachment, workspace } from '@gatehouse/core/api/workspaces.ts';
import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import type { MakeAead } from '@gatehouse/core/protocol/aead.ts';
import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { DPOP_HEADER, signDpop } from '@gatehouse/core/protocol/dpop.ts';
import { Person } from '../../scripts/api.ts';
import { ApiProblem, problemOf } from '../../web/src/lib/api/problem.ts';
import { attachTo, type WorkspaceApi } from '../../web/src/lib/ide/connection/attach.ts';
import { Connection } from '../../web/src/lib/ide/connection/connection.ts';
import type { ConnectionState, ProofKey } from '../../web/src/lib/ide/connection/ports.ts';
import { RemoteFiles } from '../../web/src/lib/ide/files/remote-files.ts';
import { FreezableClock } from './freezable-clock.ts';
import { dialled, nodeSocketTo, type Address } from './node-socket.ts';
import { PageTerminal, type Output } from './page-terminal.ts';

const SIZE = { cols: 120, rows: 40 };

/** How a page asks to be let in: at its own origin, with its cookie. */
export function workspaceApi(address: Address, cookie: () => string): WorkspaceApi {
  // Browsers drop idle connections when the network changes; Node would ask over one that leads nowhere.
  const headers = { Origin: address.origin, 'Sec-Fetch-Site': 'same-origin', Connection: 'close' };
  const ask = async (method: string, path: string, body?: unknown, proof: Record<string, string> = {}): Promise<unknown> => {
    const person = new Person(dialled(address), cookie());
    const asked = person.ask(method, `/workspaces/${address.workspaceId}${path}`, body, { ...headers, ...proof });
    const response = await asked.catch((cause: unknown) => {
      throw new ApiProblem('unavailable', 'No answer came', { cause });
    });
    if (!response.ok) throw await problemOf(response);
    return response.json().catch((cause: unknown) => {
      throw new ApiProblem('unavailable', 'The answer broke off', { cause });
    });
  };
  return {
    attach: async (key) => {
      const url = `${address.origin}/api/v1/workspaces/${address.workspaceId}/attach`;
      const proof = { [DPOP_HEADER]: await signDpop(key, { method: 'POST', url, now: Date.now() }) };
      return attachment.parse(await ask('POST', '/attach', { key: key.publicKey }, proof));
    },
    get: async () => workspace.parse(await ask('GET', '')),
  };
}

/**
 * The page's end of a workspace, without a browser: the page's own connection, terminals and files on Node's sockets.
 * Like a page, it joins its terminals again whenever a connection stands.
 */
export class NodePage {
  readonly connection: Connection;
  readonly files: RemoteFiles;
  /** codes of the closes of its sockets, whoever closed them */
  readonly closes: number[] = [];
  /** kinds of the states it was in */
  readonly states: ConnectionState['kind'][] = [];
  people: Presence | null = null;
  readonly #clock = new FreezableClock();
  readonly #terminals = new Set<PageTerminal>();
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  #socket: WebSocket | null = null;
  #isFrozen = false;

  /** @param owner whose cookie is asked for each time @param makeAead in place of the WebCrypto that a page has */
  constructor(owner: Pick<Person, 'cookie'>, address: Address, key: ProofKey, makeAead: MakeAead = webAead) {
    const pins = new Map<string, string>();
    this.connection = new Connection(
      {
        workspaceId: address.workspaceId,
        attach: attachTo(
          workspaceApi(address, () => owner.cookie),
          () => undefined,
        ),
        isThere: () =>
          fetch(`${dialled(address)}/api/v1/health`, { headers: { Connection: 'close' }, signal: AbortSignal.timeout(2000) }).then(
            () => true,
            () => false,
          ),
        openSocket: nodeSocketTo(
          address,
          () => owner.cookie,
          (socket) => this.#dialled(socket),
        ),
        clock: this.#clock,
        random: Math.random,
        clientId: crypto.randomUUID(),
        key: () => Promise.resolve(key),
        pins: { get: (id) => pins.get(id) ?? null, set: (id, fingerprint) => pins.set(id, fingerprint) },
        makeAead,
        online: () => true,
      },
      {
        changed: (state) => this.#changed(state),
        connected: () => {
          for (const { link, lost } of this.#terminals) if (lost === null) void link.connect();
        },
        people: (people) => (this.people = people),
        notice: () => undefined,
        latency: () => undefined,
      },
    );
    this.files = new RemoteFiles(this.connection);
  }

  /** Loads a page. @returns when it is connected @throws Error when it can't be */
  static async load(owner: Pick<Person, 'cookie' | 'key'>, address: Address, key?: ProofKey, makeAead?: MakeAead): Promise<NodePage> {
    const page = new NodePage(owner, address, key ?? (await owner.key), makeAead);
    page.connection.start();
    try {
      await page.connected();
      return page;
    } catch (error) {
      page.close();
      throw error;
    }
  }

  get isConnected(): boolean {
    return this.connection.state.kind === 'connected';
  }

  /** Resolves when it is connected. @throws Error when its connection is over for good */
  connected(): Promise<void> {
    if (this.isConnected) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Opens a terminal, or joins one and takes all that there is to see. @throws Error when it can't be had */
  async terminal(id: string | null, output: Output): Promise<PageTerminal> {
    const linked = { id, key: crypto.randomUUID(), name: '', size: SIZE };
    const terminal = new PageTerminal(this.connection, this.#clock, linked, output);
    this.#terminals.add(terminal);
    // Else it is joined when the connection stands.
    if (this.isConnected) void terminal.link.connect();
    await terminal.joined;
    return terminal;
  }

  /** As browsers freeze a page: it reads nothing, and its clocks stand. */
  freeze(): void {
    this.#isFrozen = true;
    this.#clock.freeze();
    this.#socket?.pause();
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#socket?.resume();
    this.#clock.thaw();
  }

  /** Leaves; terminals run on. */
  close(): void {
    for (const { link } of this.#terminals) link.detach();
    this.connection.stop();
  }

  #dialled(socket: WebSocket): void {
    this.#socket = socket;
    socket.once('close', (code) => this.closes.push(code));
    if (this.#isFrozen) socket.once('open', () => this.#isFrozen && socket.pause());
  }

  #changed(state: ConnectionState): void {
    this.states.push(state.kind);
    if (state.kind !== 'connected' && state.kind !== 'ended') return;
    const waiting = this.#waiting.splice(0);
    for (const { resolve, reject } of waiting) {
      if (state.kind === 'connected') resolve();
      else reject(new Error(`The connection is over: ${state.ended.why}, ${state.ended.detail}`));
    }
  }
}
