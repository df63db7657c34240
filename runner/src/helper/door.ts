import { renameSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

/** how long the runner that started this may take to connect */
const FIRST_MS = 30_000;
/** half a large frame: what is one calls for the next */
const HIGH_WATER_MARK = 32 * 1024;

export interface DoorOptions {
  /** file descriptor of the listening socket, or the path at which to make one */
  at: number | string;
  graceMs: number;
  /** serves a runner; `keep` says that what runs is to outlive its connection */
  serve(socket: Socket, keep: () => void): void;
  /** nobody has come, or come back */
  over(): void;
}

/** Lets in one runner at a time: a newer one takes the place of an older one. */
export class Door {
  readonly #options: DoorOptions;
  #runner: Socket | null = null;
  #met = false;
  #kept = false;
  #timer: NodeJS.Timeout;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#timer = setTimeout(options.over, FIRST_MS);
    const server = createServer({ highWaterMark: HIGH_WATER_MARK }, (socket) => this.#enter(socket));
    const { at } = options;
    if (typeof at === 'number') server.listen({ fd: at });
    // Whoever finds it by its name can connect.
    else server.listen({ path: `${at}.new`, writableAll: true }, () => renameSync(`${at}.new`, at));
  }

  /** The runner that started this is gone. One that has connected tells it by that connection. */
  abandoned(): void {
    if (!this.#met) this.#options.over();
  }

  #enter(socket: Socket): void {
    clearTimeout(this.#timer);
    this.#met = true;
    const before = this.#runner;
    this.#runner = socket;
    before?.destroy();
    // Whatever breaks the connection is told by its end.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#left(socket));
    this.#options.serve(socket, () => (this.#kept = true));
  }

  #left(socket: Socket): void {
    if (this.#runner !== socket) return;
    this.#runner = null;
    if (this.#kept) this.#timer = setTimeout(this.#options.over, this.#options.graceMs);
    else this.#options.over();
  }
}
