import type { CloseName } from '@gatehouse/core/protocol/close.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import type { Pins } from '../../../../web/src/lib/ide/connection/ports.ts';
import { Page, type PageContext } from './page.ts';
import type { Pty } from './pty.ts';
import { Platform, type Person, type Place } from './platform.ts';
import { Runner } from './runner.ts';
import { Sandbox } from './sandbox.ts';
import { Typist } from './typist.ts';
import { World } from './world.ts';

/** Closes that no honest end may ever see. */
const BLAME: readonly CloseName[] = ['protocol', 'unauthenticated', 'crowded', 'revoked'];

/** One workspace with a runner, a broker and the pages that people open: what happens to it is a scenario's. */
export class Simulation {
  readonly world: World;
  readonly platform: Platform;
  readonly sandbox: Sandbox;
  readonly runner: Runner;
  readonly pages: Page[] = [];
  readonly typists: Typist[] = [];
  /** what was not as promised, with the time in milliseconds */
  readonly faults: string[] = [];
  /** pages that may end for good: somebody tampers with their messages */
  readonly doomed = new Set<Page>();
  readonly #context: PageContext;
  readonly #start: number;
  /** of the viewers that there were */
  readonly #people = new Map<number, Person>();
  /** ids of people who drove at some time, besides the owner */
  readonly drove = new Set<string>();

  constructor(seed: number, place: Place) {
    this.world = new World(seed);
    this.#start = this.world.clock.now();
    const fault = (what: string): void => this.#fault(what);
    this.platform = new Platform(this.world, place);
    this.sandbox = new Sandbox(this.world, fault);
    this.runner = new Runner(this.world, this.platform, this.sandbox, fault);
    const pty = (id: string) => {
      const program = this.sandbox.programs.get(id);
      if (program === undefined) throw new Error(`There is no terminal ${id}`);
      return program.pty;
    };
    this.#context = { world: this.world, platform: this.platform, pty, pins: makePins(), fault };
    this.world.always(() => this.#look());
  }

  open(person: Person): Page {
    const page = new Page(this.#context, person, this.#typist());
    this.pages.push(page);
    page.connection.start();
    return page;
  }

  leave(page: Page): void {
    this.pages.splice(this.pages.indexOf(page), 1);
    page.typist.giveUp();
    page.leave();
  }

  /** The tab is loaded again: it is another client, since what the first sent may still be on its way. */
  reload(page: Page): void {
    this.leave(page);
    this.open(page.person);
  }

  type(page: Page): void {
    for (const { link } of page.panes) {
      const text = page.typist.next();
      if (link.terminalId !== null && link.input(text)) page.typist.typed(link.terminalId, text);
    }
  }

  #typist(): Typist {
    const typist = new Typist(`client-${this.typists.length}`, this.typists.length);
    this.typists.push(typist);
    return typist;
  }

  #fault(what: string): void {
    this.faults.push(`${Math.round(this.world.clock.now() - this.#start)} ms: ${what}`);
  }

  /** After each thing that happens. */
  #look(): void {
    for (const page of this.pages) {
      const { state } = page.connection;
      if (state.kind === 'connected') this.#people.set(state.hello.viewer, page.person);
      if (page.mayType && page.person.access === 'join') this.drove.add(page.person.userId);
      if (state.kind === 'ended' && !this.doomed.has(page)) this.#fault(`a page gave up: ${state.ended.detail}`);
    }
    const all = [...this.platform.broker.holds.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (all > LIMITS.heldByWorkspace) this.#fault(`K4: the broker holds ${all} bytes`);
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
  }

  /** how much happened */
  get counts() {
    const { broker, dials } = this.platform;
    const ptys = [...this.sandbox.programs.values()].map(({ pty }) => pty);
    const states = this.pages.flatMap(({ panes }) => panes).reduce((sum, { screen }) => sum + screen.restarts, 0);
    const sum = (of: (pty: Pty) => number) => ptys.reduce((all, pty) => all + of(pty), 0);
    return { dials, states, evictions: broker.evictions, typed: sum(({ input }) => input.byteLength), printed: sum(({ end }) => end) };
  }

  /** whether more waits than each page's ping and watch for sleep, the runner's ping and the broker's look at silent sockets */
  get hasTimers(): boolean {
    return this.world.clock.waiting.length > 2 * this.pages.length + 2;
  }

  /** What must be true once nothing happens any more. */
  *broken(): Generator<string> {
    const { broker } = this.platform;
    for (const page of this.pages) {
      if (!page.isConnected) yield `a page is ${page.connection.state.kind}`;
      if (page.panes.length !== this.sandbox.programs.size)
        yield `a page shows ${page.panes.length} of ${this.sandbox.programs.size} terminals`;
      for (const { screen, link } of page.panes)
        if (!screen.isLevel) yield `S3: a screen of ${link.terminalId} stopped at ${screen.position}`;
    }
    for (const [id, program] of this.sandbox.programs) if (!program.isDone) yield `W3: ${id} was held back for good`;
    yield* this.#brokenInput();
    yield* this.#brokenWindows();
    for (const name of broker.closed) if (BLAME.includes(name)) yield `the broker closed a socket: ${name}`;
    if (broker.holds.size !== this.pages.length + 1) yield `the broker has ${broker.holds.size - 1} viewers for ${this.pages.length} pages`;
    for (const [viewer, bytes] of broker.holds) if (bytes >= LIMITS.markEvery) yield `K2: the broker holds ${bytes} bytes of ${viewer}`;
    if (this.hasTimers) yield `timers are left: ${this.world.clock.waiting.join(' ')}`;
  }

  /** SPEC T5 */
  *#brokenInput(): Generator<string> {
    for (const [id, { pty }] of this.sandbox.programs) {
      for (const typist of this.typists) {
        const fault = typist.faultIn(id, pty.input);
        if (fault !== null) yield `T5: ${fault}`;
      }
    }
  }

  /** SPEC W1, W2 */
  *#brokenWindows(): Generator<string> {
    for (const { connection } of this.pages) {
      const viewer = connection.state.kind === 'connected' ? connection.state.hello.viewer : 0;
      const left = this.runner.windows.at(-1)?.outstanding(viewer) ?? 0;
      if (left > 0) yield `W1: ${left} bytes to viewer ${viewer} were never acknowledged`;
    }
    for (const { most } of this.runner.windows) {
      for (const [viewer, bytes] of most) {
        const person = this.#people.get(viewer);
        const drives = person === undefined || person.access === 'own' || this.drove.has(person.userId);
        if (bytes > (drives ? LIMITS.window : LIMITS.passiveWindow)) yield `W2: ${bytes} bytes were on the way to viewer ${viewer}`;
      }
    }
  }
}

function makePins(): Pins {
  const pins = new Map<string, string>();
  return { get: (id) => pins.get(id) ?? null, set: (id, fingerprint) => void pins.set(id, fingerprint) };
}
