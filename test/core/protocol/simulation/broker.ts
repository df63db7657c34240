import { CLOSE_CODES, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { encodeControl } from '@gatehouse/core/protocol/frame.ts';
import { held } from '@gatehouse/core/protocol/meter.ts';
import { Switchboard, type Seat } from '@gatehouse/core/protocol/switchboard.ts';
import { isProved } from '../../../../runner/test/support/broker.ts';
import { cut, type End, type Message } from './wire.ts';
import type { World } from './world.ts';

const SWEEP_MS = 5 * 60_000;

/** The platform's end of a socket: what is attached to it outlives the broker's memory. */
interface Accepted {
  end: End;
  link: { nonce: string; path: string } | null;
  seat: Seat | null;
}

/** A broker with core's switchboard in it, and only as much around it as that needs (SPEC K, O2, O3, O5). */
export class Broker {
  readonly #world: World;
  readonly #identityKey: string;
  readonly #sockets = new Set<Accepted>();
  #board = this.#start();
  #viewers = 0;
  #sweeping = false;
  /** why it closed sockets */
  readonly closed: CloseName[] = [];
  evictions = 0;

  constructor(world: World, identityKey: string) {
    this.#world = world;
    this.#identityKey = identityKey;
  }

  /** bytes given to each socket and not echoed, by the viewer's number; 0: the runner's link */
  get holds(): Map<number, number> {
    const seats = [...this.#sockets].flatMap(({ seat }) => seat ?? []);
    return new Map(seats.map(({ viewer, meter }) => [viewer, held(meter)]));
  }

  acceptLink(end: End, path: string): void {
    const nonce = String(this.#world.chance.next());
    const socket = this.#accept(end, { nonce, path });
    this.#send(socket, encodeControl({ kind: 'challenge', nonce }));
  }

  acceptViewer(end: End): void {
    const socket = this.#accept(end, null);
    if (!this.#board.linked) return this.#close(socket, 'runnerAway');
    if (this.#board.viewers.length >= LIMITS.viewers) return this.#close(socket, 'crowded');
    this.#viewers = (this.#viewers % 65_535) + 1;
    this.#board.join(socket, this.#viewers);
    this.#watch();
  }

  /** It forgets all that is not attached to a socket. */
  evict(): void {
    this.evictions += 1;
    this.#board = this.#start();
    for (const socket of this.#sockets) if (socket.seat !== null) this.#board.restore(socket, structuredClone(socket.seat));
  }

  /** Its machine goes away, and every socket with it. @param noticed milliseconds until the other ends learn of it */
  restart(noticed: () => number): void {
    for (const { end } of this.#sockets) cut(end, [Infinity, noticed()]);
    this.#sockets.clear();
    this.#board = this.#start();
  }

  #accept(end: End, link: Accepted['link']): Accepted {
    const socket: Accepted = { end, link, seat: null };
    this.#sockets.add(socket);
    end.received = (message) => this.#received(socket, message);
    end.closed = () => this.#gone(socket);
    return socket;
  }

  #received(socket: Accepted, message: Message): void {
    if (message === 'ping') socket.end.send('pong');
    else if (typeof message === 'string') this.#board.close(socket, 'protocol');
    else if (this.#sockets.has(socket)) this.#board.receive(socket, message);
  }

  #gone(socket: Accepted): void {
    this.#board.left(socket, 'gone');
    this.#sockets.delete(socket);
  }

  #start(): Switchboard<Accepted> {
    return new Switchboard<Accepted>({
      keep: (socket, seat) => (socket.seat = structuredClone(seat)),
      send: (socket, message) => this.#send(socket, message),
      close: (socket, name) => this.#close(socket, name),
      prove: (socket, signature) => this.#prove(socket, signature),
      told: () => undefined,
      ended: () => undefined,
      now: () => this.#world.clock.now(),
      nonce: () => this.#world.chance.between(0, 2 ** 32 - 1),
    });
  }

  #prove(socket: Accepted, signature: string): void {
    const { link } = socket;
    if (link === null || !isProved(this.#identityKey, signature, link.nonce, link.path))
      return this.#board.close(socket, 'unauthenticated');
    for (const other of this.#sockets) if (other.link !== null && other !== socket) this.#board.close(other, 'replaced');
    this.#board.linkUp(socket);
  }

  #send({ end }: Accepted, message: Uint8Array): void {
    end.send(message);
  }

  #close(socket: Accepted, name: CloseName): void {
    this.closed.push(name);
    socket.seat = null;
    this.#sockets.delete(socket);
    socket.end.close(CLOSE_CODES[name].code);
  }

  /** SPEC K5 */
  #watch(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#world.clock.after(SWEEP_MS, () => {
      this.#sweeping = false;
      this.#board.sweep();
      if (this.#board.viewers.length > 0) this.#watch();
    });
  }
}
