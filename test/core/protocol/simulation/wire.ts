import type { World } from './world.ts';

export type Message = string | Uint8Array<ArrayBuffer>;

/** Close code that a socket tells when its other end fell silent. */
const CUT = 1006;

/** What is on the way takes so long, in milliseconds, and so many bytes of it go in one. */
export interface Way {
  latency: number;
  jitter: number;
  bytesPerMs: number;
}

/** One end of a socket. */
export class End {
  readonly #world: World;
  readonly #way: Way;
  received: (message: Message) => void = () => undefined;
  /** the other end closed, or nothing is there any more; not called once this end has closed */
  closed: (code: number) => void = () => undefined;
  peer: End | null = null;
  /** somebody on the way: what they make of a message that this end sends */
  tamper: (message: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>[] = (message) => [message];
  #open = true;
  /** whether what it sends still comes anywhere */
  #leads = true;
  /** when the line will have taken what was sent */
  #freeAt = 0;
  #arrivesAt = 0;

  constructor(world: World, way: Way) {
    this.#world = world;
    this.#way = way;
  }

  get open(): boolean {
    return this.#open;
  }

  /** bytes that the line has not taken yet */
  get buffered(): number {
    return this.#open ? Math.max(0, this.#freeAt - this.#world.clock.now()) * this.#way.bytesPerMs : 0;
  }

  send(message: string | Uint8Array): void {
    if (!this.#open) return;
    const copies = typeof message === 'string' ? [message] : this.tamper(message.slice());
    for (const copy of copies) this.#later(copy.length, (to) => to.received(copy));
  }

  close(code: number): void {
    if (!this.#open) return;
    this.#open = false;
    this.#later(0, (to) => to.#end(code));
  }

  /** What is on the way is lost, and this end learns of it after `ms`, or never. */
  lose(ms: number): void {
    this.#leads = false;
    if (ms < Infinity) this.#world.clock.after(ms, () => this.#end(CUT));
  }

  #end(code: number): void {
    if (!this.#open) return;
    this.#open = false;
    this.closed(code);
  }

  /** In order: nothing overtakes what was sent before. */
  #later(bytes: number, arrive: (to: End) => void): void {
    const { clock, chance } = this.#world;
    const { latency, jitter, bytesPerMs } = this.#way;
    this.#world.note(bytes);
    this.#freeAt = Math.max(this.#freeAt, clock.now()) + bytes / bytesPerMs;
    this.#arrivesAt = Math.max(this.#arrivesAt, this.#freeAt + latency + jitter * chance.next());
    clock.after(this.#arrivesAt - clock.now(), () => {
      const to = this.peer;
      if (this.#leads && to !== null && to.#open) arrive(to);
    });
  }
}

/** The two ends of a socket. */
export function makeWire(world: World, way: Way): [End, End] {
  const [one, two] = [new End(world, way), new End(world, way)];
  one.peer = two;
  two.peer = one;
  return [one, two];
}

/** Cuts a socket: all that is on the way is lost. @param noticed milliseconds until its end learns of it, for each of the two */
export function cut(end: End, [here, there]: [number, number]): void {
  end.lose(here);
  end.peer?.lose(there);
}
