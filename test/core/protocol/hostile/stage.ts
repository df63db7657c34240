import { decodeFrame } from '@gatehouse/core/protocol/frame.ts';
import type { Page } from '../simulation/page.ts';
import { WAYS, type Place } from '../simulation/platform.ts';
import { Simulation } from '../simulation/simulation.ts';
import type { End } from '../simulation/wire.ts';

export type Message = Uint8Array<ArrayBuffer>;
/** What somebody on the way makes of a message. */
export type Tamper = (message: Message) => Message[];
export const DIRECTIONS = ['to the runner', 'to the page'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A workspace that two pages of its owner use. The broker is honest to one of them. */
export class Stage {
  readonly simulation: Simulation;
  readonly other: Page;
  #victim: Page | null = null;
  /** the ends of the victim's sockets: its own, and the broker's */
  readonly sockets: { near: End; far: End }[] = [];

  private constructor(place: Place) {
    this.simulation = new Simulation(1, place);
    this.simulation.platform.ways = WAYS.slice(0, 1);
    const [owner] = place.people;
    this.other = this.simulation.open(owner);
    this.other.create();
  }

  /** @param act the broker's part. @returns once both pages had time to work and to come again */
  static async play(place: Place, act: (stage: Stage) => Promise<void> | void): Promise<Stage> {
    const stage = new Stage(place);
    try {
      await stage.simulation.world.pass(5000);
      await stage.#work(stage.other);
      await act(stage);
      await stage.#work(stage.victim);
      await stage.#work(stage.other);
      await stage.simulation.world.pass(30_000);
    } finally {
      stage.simulation.world.end();
    }
    return stage;
  }

  get victim(): Page {
    if (this.#victim === null) throw new Error('Nobody has come yet');
    return this.#victim;
  }

  /** The page under attack comes. @param tamper with the messages of its first connection in that direction */
  async open(direction: Direction, tamper: Tamper): Promise<void> {
    const { platform, world } = this.simulation;
    platform.between = (near, far) => {
      this.sockets.push({ near, far });
      if (this.sockets.length === 1 && direction === 'to the page') far.tamper = tamper;
    };
    this.#victim = this.simulation.open(this.other.person);
    this.simulation.doomed.add(this.#victim);
    if (direction === 'to the runner')
      this.tamperWithLink((message) => (decodeFrame(message).viewer === VICTIM ? tamper(message) : [message]));
    await world.pass(2000);
  }

  /** All that goes to the runner passes there. */
  tamperWithLink(tamper: Tamper): void {
    const link = this.simulation.runner.end?.peer;
    if (link !== null && link !== undefined) link.tamper = tamper;
  }

  /** The broker says something to the runner as if it came from a viewer. */
  toRunner(message: Message): void {
    this.simulation.runner.end?.peer?.send(message);
  }

  /** What is not as it must be, whatever was done. @param closes whether it costs the victim its first connection */
  *broken({ closes }: { closes: boolean }): Generator<string> {
    const { sandbox, platform, pages } = this.simulation;
    if (this.sockets[0]?.near.open !== !closes) yield `E9: the socket is ${closes ? 'still open' : 'closed'}`;
    const { connection, presence, panes } = this.other;
    if (connection.state.kind !== 'connected') yield 'the other page is cut';
    if (platform.dials !== this.sockets.length + 1) yield 'the other page came again';
    if (!panes.every(({ screen }) => screen.isLevel)) yield 'the other page is behind';
    const here = pages.filter(({ isConnected }) => isConnected).length;
    if (presence?.viewers.length !== here) yield `P1: ${presence?.viewers.length} viewers are here instead of ${here}`;
    for (const page of this.simulation.doomed) page.typist.giveUp();
    for (const [id, { pty }] of sandbox.programs) {
      for (const page of pages) {
        const fault = page.typist.faultIn(id, pty.input);
        if (fault !== null) yield fault;
      }
    }
  }

  /** The page types, and its terminals print. */
  async #work(page: Page): Promise<void> {
    const { world, sandbox } = this.simulation;
    for (let times = 0; times < 3; times++) {
      this.simulation.type(page);
      void page.refresh();
      for (const program of sandbox.programs.values()) program.print(3000, 100);
      await world.pass(500);
    }
  }
}

/** The number of the victim's first connection. */
export const VICTIM = 2;

/** Tampers with one message, counted from 0, or the first behind it that fits. */
export function nth(position: number, change: Tamper, fits: (message: Message) => boolean = () => true): Tamper {
  let [seen, done] = [0, false];
  return (message) => {
    if (done || seen++ < position || !fits(message)) return [message];
    done = true;
    return change(message);
  };
}

export const isSealed = (message: Message): boolean => decodeFrame(message).sealed;

/** @param byte counts from the end if it is negative */
export function flipped(message: Message, byte: number, bit = 0): Message {
  const changed = message.slice();
  const place = byte < 0 ? Math.max(0, changed.byteLength + byte) : Math.min(byte, changed.byteLength - 1);
  changed[place] = (changed[place] ?? 0) ^ (1 << bit);
  return changed;
}
