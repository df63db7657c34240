import type { Clock } from '@gatehouse/core/protocol/clock.ts';
import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import { nodeAead } from '../../../../runner/src/link/node-aead.ts';
import { Connection } from '../../../../web/src/lib/ide/connection/connection.ts';
import type { Pins } from '../../../../web/src/lib/ide/connection/ports.ts';
import type { Services } from '../../../../web/src/lib/ide/connection/streams.ts';
import { TerminalLink } from '../../../../web/src/lib/ide/terminals/terminal-link.ts';
import type { Person, Platform } from './platform.ts';
import type { Pty } from './pty.ts';
import { StrictScreen } from './screen.ts';
import type { Typist } from './typist.ts';
import type { End, Message } from './wire.ts';
import type { World } from './world.ts';

const SIZE = { cols: 80, rows: 24 };

/** One terminal as a page shows it. */
export interface Pane {
  link: TerminalLink;
  screen: StrictScreen;
}

export interface PageContext {
  world: World;
  platform: Platform;
  /** the terminals that there are, by id */
  pty: (terminalId: string) => Pty;
  pins: Pins;
  /** something is not as promised */
  fault: (what: string) => void;
}

/** The browser's end: the page's connection, and its terminals on screens that miss nothing. */
export class Page {
  readonly #context: PageContext;
  readonly person: Person;
  readonly typist: Typist;
  readonly connection: Connection;
  readonly panes: Pane[] = [];
  #presence: Presence | null = null;
  #end: End | null = null;
  /** what waits while its thread does nothing */
  #frozen: (() => void)[] | null = null;
  readonly #clock: Clock;

  constructor(context: PageContext, person: Person, typist: Typist) {
    this.#context = context;
    this.person = person;
    this.typist = typist;
    const { world, platform, pins } = context;
    const { key } = person;
    this.#clock = { now: () => world.clock.now(), after: (ms, run) => this.#after(ms, run) };
    this.connection = new Connection(
      {
        workspaceId: platform.workspaceId,
        clientId: typist.clientId,
        attach: () => platform.attach(person),
        openSocket: (_ticket, events) => this.#dial(events),
        clock: this.#clock,
        random: world.chance.next,
        key: async () => key,
        pins,
        makeAead: nodeAead,
        online: () => true,
        isThere: () => Promise.resolve(true),
      },
      {
        changed: () => undefined,
        connected: () => void this.#connected(),
        people: (presence) => this.#people(presence),
        notice: () => undefined,
        latency: () => undefined,
      },
    );
  }

  get isConnected(): boolean {
    return this.connection.state.kind === 'connected';
  }

  get mayType(): boolean {
    return this.#presence?.driver === this.person.userId;
  }

  get presence(): Presence | null {
    return this.#presence;
  }

  /** the socket of the connection that stands, or is being made */
  get end(): End | null {
    return this.#end;
  }

  /** Opens a terminal, which is a new one. */
  create(): void {
    this.#add(null);
  }

  /** The tab is closed. */
  leave(): void {
    this.connection.stop();
    for (const { link } of this.panes) link.detach();
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const waiting = this.#frozen;
    this.#frozen = null;
    for (const act of waiting ?? []) act();
  }

  #dial(events: { received(message: string | ArrayBuffer): void; closed(code: number, reason: string): void }) {
    const end = this.#context.platform.dialAsViewer();
    this.#end = end;
    end.received = (message: Message) => this.#act(() => events.received(typeof message === 'string' ? message : message.buffer));
    end.closed = (code) => this.#act(() => events.closed(code, ''));
    return {
      send: (message: Message) => end.send(message),
      close: (code: number) => end.close(code),
      buffered: () => end.buffered,
    };
  }

  /** The connection, and a screen that hears where it is joined. */
  #watched(screen: StrictScreen): Services {
    const { connection } = this;
    return {
      call: (request) => connection.call(request),
      open: (request, events) =>
        connection.open(request, {
          ...events,
          head: (head) => {
            if ('offset' in head) screen.join(head.offset, head.state);
            events.head(head);
          },
        }),
    };
  }

  #act(what: () => void): void {
    if (this.#frozen === null) what();
    else this.#frozen.push(what);
  }

  #after(ms: number, run: () => void): () => void {
    let cancelled = false;
    const cancel = this.#context.world.clock.after(ms, () => this.#act(() => cancelled || run()));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** As the web app does: joins what is shown, then shows what else the runner has. */
  async #connected(): Promise<void> {
    const before = this.panes.map(({ link }) => [link.terminalId, link.connect()] as const);
    await Promise.all(before.filter(([id]) => id === null).map(([, answered]) => answered));
    await this.refresh();
  }

  /** Shows the terminals that were opened elsewhere. */
  async refresh(): Promise<void> {
    try {
      const { terminals } = await this.connection.call({ method: 'pty.list' });
      if (this.panes.some(({ link }) => link.terminalId === null)) return;
      const shown = this.panes.map(({ link }) => link.terminalId);
      for (const { terminalId } of terminals) if (!shown.includes(terminalId)) this.#add(terminalId);
    } catch {
      // cut again: the next connection asks again
    }
  }

  #people(presence: Presence): void {
    const drove = this.mayType;
    this.#presence = presence;
    // SPEC P2: what was typed and not taken yet is refused, and dropped
    if (drove && !this.mayType) this.typist.giveUp();
    for (const { link } of this.panes) link.mayType = this.mayType;
  }

  #add(id: string | null): void {
    const { pty, fault } = this.#context;
    const screen: StrictScreen = new StrictScreen(() => pty(link.terminalId ?? ''), fault);
    const link: TerminalLink = new TerminalLink(
      this.#watched(screen),
      this.#clock,
      screen,
      {
        opened: () => undefined,
        exited: () => undefined,
        renamed: () => undefined,
        sized: () => undefined,
        pending: () => undefined,
        catchingUp: () => undefined,
        held: () => undefined,
        lost: ({ message }) => fault(`a terminal was lost: ${message}`),
      },
      { id, key: `key-${this.typist.clientId}-${this.panes.length}`, name: '', size: SIZE },
    );
    link.mayType = this.mayType;
    this.panes.push({ link, screen });
    if (this.isConnected) void link.connect();
  }
}
