import { DEFAULT_POLICY } from '@gatehouse/core/access/policy-in-force.ts';
import { decodeFrame, encodeControl, encodeFrame, encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { nodeAead } from '../../../../runner/src/link/node-aead.ts';
import { Connection } from '../../../../web/src/lib/ide/connection/connection.ts';
import type { AttachOutcome, SocketEvents } from '../../../../web/src/lib/ide/connection/ports.ts';
import { TerminalLink } from '../../../../web/src/lib/ide/terminals/terminal-link.ts';
import { Chance } from '../../../support/chance.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { CryptoTurns } from '../simulation/crypto-turns.ts';
import type { Place } from '../simulation/platform.ts';
import { KEYS } from './instant-noise.ts';

type Message = Uint8Array<ArrayBuffer>;

const VIEWER = 1;
const SIZE = { cols: 80, rows: 24 };

/** The browser's connection with a terminal on it, and in a test's hands the runner that it speaks with, and the broker. */
export class BrowserRig {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly connection: Connection;
  readonly link: TerminalLink;
  readonly #place: Place;
  readonly #turns = new CryptoTurns();
  dials = 0;
  #events: SocketEvents | null = null;
  #sealer: Sealer | null = null;
  #opener: Opener | null = null;
  /** streams that the page opened on this connection */
  opened: number[] = [];
  /** bytes that the page's screen was given */
  written = 0;

  constructor(seed: number, place: Place) {
    this.chance = new Chance(seed);
    this.#place = place;
    const { clock, chance } = this;
    const [owner] = place.people;
    this.connection = new Connection(
      {
        workspaceId: place.workspaceId,
        clientId: 'client-one',
        attach: async () => this.#outcome(),
        openSocket: (_ticket, events) => this.#dial(events),
        clock,
        random: chance.next,
        key: async () => owner.key,
        pins: { get: () => null, set: () => undefined },
        makeAead: nodeAead,
        online: () => true,
        isThere: () => Promise.resolve(true),
      },
      {
        changed: ({ kind }) => {
          // a person who tries it once more
          if (kind === 'ended') clock.after(1000, () => this.connection.start());
        },
        connected: () => void this.link.connect(),
        people: () => undefined,
        notice: () => undefined,
        latency: () => undefined,
      },
    );
    const nothing = (): void => undefined;
    const screen = {
      write: (bytes: Uint8Array, _replay: boolean, parsed: () => void) => {
        this.written += bytes.byteLength;
        parsed();
      },
      ...{ resize: nothing, reset: nothing },
    };
    const events = {
      opened: nothing,
      exited: nothing,
      renamed: nothing,
      sized: nothing,
      pending: nothing,
      catchingUp: nothing,
      held: nothing,
      lost: nothing,
    };
    this.link = new TerminalLink(this.connection, clock, screen, events, { id: 't1', key: 'terminal', name: '', size: SIZE });
    this.link.mayType = true;
    this.connection.start();
  }

  get isConnected(): boolean {
    return this.connection.state.kind === 'connected';
  }

  /** A message on the wire. */
  receive(message: Message): void {
    this.#events?.received(message.slice().buffer);
  }

  /** A frame of the runner's, sealed as it seals. */
  say(frame: Omit<PlainFrame, 'viewer'>): void {
    this.#sealer?.seal({ ...frame, viewer: VIEWER });
  }

  /** Lets the page come back to a connection that stands. */
  async reconnect(): Promise<void> {
    for (let tries = 0; tries < 100 && !this.isConnected; tries++) await this.rest(500);
  }

  async rest(ms = 1): Promise<void> {
    this.clock.pass(ms);
    await this.#turns.settled();
  }

  end(): void {
    this.connection.stop();
    this.#turns.end();
  }

  /** The runner's answer to the page's request for its terminal, which is the first of a connection. */
  openTerminal(): void {
    const terminal = { terminalId: 't1', name: '', ...SIZE, offset: 0, exit: null };
    const head = { ok: true, terminal, offset: 0, size: SIZE, input: 0, state: null };
    this.say({ type: 'head', stream: this.opened[0] ?? 0, offset: 0, payload: encodeJson(head) });
  }

  /** @returns whether a request of the page comes to an answer */
  async isServed(): Promise<boolean> {
    const answer = this.connection.call({ method: 'pty.list' });
    const stream = this.opened.at(-1) ?? 0;
    this.say({ type: 'head', stream, offset: 0, payload: encodeJson({ ok: true, terminals: [] }) });
    return (await answer).terminals.length === 0;
  }

  #outcome(): AttachOutcome {
    const { runnerId, fingerprint, keys } = this.#place;
    const { identityKey, agreementKey } = keys;
    const runner = { id: runnerId, name: 'runner', fingerprint, identityKey, agreementKey, rotations: [] };
    const facts = { connectionId: 'con', ticket: 'ticket', grant: 'grant', expiresAt: '', access: 'own' as const };
    const attachment = { ...facts, policy: DEFAULT_POLICY, runner };
    return { kind: 'admitted', attachment };
  }

  #dial(events: SocketEvents) {
    this.dials += 1;
    this.#events = events;
    this.opened = [];
    const broken = (): void => undefined;
    this.#sealer = new Sealer(KEYS.toPage, nodeAead, (message) => this.receive(message), broken);
    this.#opener = new Opener(KEYS.toRunner, nodeAead, (frame) => this.#hear(frame), broken);
    this.clock.after(1, () => this.receive(encodeControl({ kind: 'welcome', viewer: VIEWER })));
    const mine = events;
    return {
      send: (message: string | Message) => {
        if (this.#events === mine) this.#sent(message);
      },
      close: () => undefined,
      buffered: () => 0,
    };
  }

  #sent(message: string | Message): void {
    if (typeof message === 'string') return void this.clock.after(1, () => this.#events?.received('pong'));
    const frame = decodeFrame(message);
    if (frame.type === 'handshake') this.receive(encodeFrame({ ...frame, payload: new Uint8Array(48) }));
    else if (frame.type !== 'control') this.#opener?.open(frame);
  }

  #hear(frame: PlainFrame): void {
    if (frame.type === 'open') this.opened.push(frame.stream);
    if (frame.type !== 'hello') return;
    const hello = { workspaceId: this.#place.workspaceId, generation: 1, root: '/', sandbox: 'process', viewer: VIEWER };
    this.say({ type: 'hello', stream: 0, offset: 0, payload: encodeJson(hello) });
  }
}
