import { connect, createServer, type Server, type Socket } from 'node:net';
import { FrameCount } from './frame-count.ts';

/** A distance as it is felt over TCP; nothing here touches packets. */
export interface Distance {
  /** milliseconds each way */
  delay: number;
  /** share of segments that are lost */
  loss: number;
}

/** What a lost segment costs at 100 ms round trip: sent again when the timer of Linux ends, round trip and 200 ms. */
const RETRANSMIT = 300;
const SEGMENT = 1448;

/** What passes between two sockets. */
interface Passage {
  near: Socket;
  far: Socket;
  /** `held`: in a while it goes on; `lost`: it never does, and neither end learns why */
  state: 'open' | 'held' | 'lost';
}

/**
 * A network before a server of this machine: a proxy for TCP that can be far, can fail in several ways, and counts the
 * frames of WebSockets. Without a distance it only passes on, and holds back whom the other side does not read from.
 */
export class Network {
  readonly port: number;
  /** frames towards the server, and from it */
  readonly toServer = new FrameCount();
  readonly fromServer = new FrameCount();
  readonly #server: Server;
  readonly #passages = new Set<Passage>();
  readonly #accepted = new Set<Socket>();
  #isCut = false;

  private constructor(server: Server, target: number, distance: Distance | null) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    server.on('connection', (near) => {
      this.#accepted.add(near);
      near.once('close', () => this.#accepted.delete(near));
      this.#join(near, target, distance);
    });
  }

  static async before(port: number, distance: Distance | null = null): Promise<Network> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return new Network(server, port, distance);
  }

  /** Resets every connection on both sides. */
  reset(): void {
    for (const { near, far } of this.#passages) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Resets every connection, and each that is tried until it is mended. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Loses every connection without a word, as a router that forgets them; new ones pass. */
  lose(): void {
    for (const passage of this.#passages) {
      passage.state = 'lost';
      for (const socket of [passage.near, passage.far]) socket.unpipe().removeAllListeners('data').resume();
    }
  }

  /** Holds everything back, and lets it go on in order after so many milliseconds. */
  hold(ms: number): void {
    for (const passage of this.#passages) {
      if (passage.state !== 'open') continue;
      passage.state = 'held';
      const { near, far } = passage;
      near.unpipe().pause();
      far.unpipe().pause();
      setTimeout(() => {
        if (passage.state !== 'held') return;
        passage.state = 'open';
        near.pipe(far);
        far.pipe(near);
      }, ms);
    }
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#passages) {
      near.destroy();
      far.destroy();
    }
    // Those, too, that were lost or refused on one side only: the server waits for all.
    for (const near of this.#accepted) near.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, target: number, distance: Distance | null): void {
    if (this.#isCut) return void near.resetAndDestroy();
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const [up, down] = [this.toServer.connection(), this.fromServer.connection()];
    near.on('data', (bytes: Buffer) => up(bytes));
    far.on('data', (bytes: Buffer) => down(bytes));
    if (distance === null) {
      near.pipe(far);
      far.pipe(near);
    } else {
      carry(near, far, distance);
      carry(far, near, distance);
    }
    const passage: Passage = { near, far, state: 'open' };
    this.#passages.add(passage);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      // The close that follows says as much.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (other.destroyed) this.#passages.delete(passage);
        if (passage.state === 'lost') return;
        if (distance === null) other.destroySoon();
        else setTimeout(() => other.destroySoon(), distance.delay + RETRANSMIT);
      });
    }
  }
}

/** In order as TCP keeps it: behind a lost segment everything waits. */
function carry(from: Socket, to: Socket, { delay, loss }: Distance): void {
  const flying: Buffer[] = [];
  let due = 0;
  from.on('data', (bytes: Buffer) => {
    const lost = Math.random() > (1 - loss) ** Math.ceil(bytes.byteLength / SEGMENT);
    due = Math.max(due, performance.now() + delay + (lost ? RETRANSMIT : 0));
    flying.push(bytes);
    setTimeout(() => to.write(flying.shift() ?? Buffer.of()), due - performance.now());
  });
}
