import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import type { TunnelOpen } from '@gatehouse/core/protocol/tunnel.ts';
import type { WebSocket } from 'ws';
import type { HelperClient, HelperHead, HelperStream } from '../channel/helper-client.ts';
import { FILE_WINDOW, socketEnd } from '../channel/requests.ts';
import { SocketRelay } from '../channel/socket-relay.ts';
import type { Clock } from '../connection/clock.ts';
import type { TunnelPort, TunnelStream } from './tunnel-stream.ts';
import { headOf } from './request-stream.ts';

/** A peer that is asked to close and does not is cut off. */
const CLOSE_WITHIN = 400;

/** SPEC A6: one WebSocket of a web app. Once the app has agreed, a socket of its own is dialled, which the platform joins with the browser's. */
export class SocketStream implements TunnelStream {
  readonly #port: TunnelPort;
  readonly #stream: HelperStream;
  readonly #dial: () => WebSocket;
  readonly #clock: Clock;
  /** what the app said before the socket was there */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #socket: WebSocket | null = null;
  #relay: SocketRelay | null = null;
  #ended = false;

  constructor(port: TunnelPort, helper: HelperClient, open: Extract<TunnelOpen, { kind: 'socket' }>, dial: () => WebSocket, clock: Clock) {
    this.#port = port;
    this.#dial = dial;
    this.#clock = clock;
    const { path, headers, protocols } = open;
    this.#stream = helper.open(
      { method: 'app.socket', port: open.port, path, headers, protocols },
      {
        head: (head) => this.#head(head),
        data: (piece) => this.#piece(piece),
        ack: (offset) => this.#relay?.taken(offset),
        message: (value) => {
          const { code, reason } = socketEnd.parse(value);
          this.#close(code, reason);
        },
        fin: () => this.#close(1000, ''),
        gone: () => this.#close(CLOSE_CODES.stopped.code, CLOSE_CODES.stopped.reason),
      },
    );
  }

  data(): void {
    throw new Error('data for a WebSocket on the tunnel');
  }

  fin(): void {
    // There is no body to end.
  }

  wake(): void {
    // It has its own way.
  }

  cancel(why: string, close: number): void {
    this.#stream.reset();
    this.#close(close, why);
    if (this.#socket === null) this.#end(0, 0);
  }

  #head(head: HelperHead): void {
    if (this.#ended) return;
    const said = headOf(head);
    if (!said.ok || said.status !== 101) {
      this.#ended = true;
      this.#port.head(said);
      if (said.ok) this.#port.fin();
      return;
    }
    this.#port.head(said);
    const socket = this.#dial();
    this.#socket = socket;
    socket.on('open', () => this.#opened(socket));
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      const { received = 0, given = 0 } = this.#relay ?? {};
      if (this.#relay === null) this.#stream.reset();
      else this.#stream.message({ kind: 'closed', code, reason: reason.toString() });
      this.#end(received, given);
    });
  }

  #opened(socket: WebSocket): void {
    const relay = new SocketRelay(socket, {
      data: (piece) => this.#stream.data(piece),
      ack: (offset) => this.#stream.ack(offset),
      closed: () => undefined,
    });
    this.#relay = relay;
    for (const piece of this.#early) relay.take(piece);
    this.#early = [];
  }

  #piece(piece: Uint8Array): void {
    if (this.#ended) return;
    const kept = Uint8Array.from(piece);
    if (this.#relay !== null) return this.#relay.take(kept);
    this.#earlyBytes += kept.byteLength;
    // Only a helper that was tampered with sends more than its window.
    if (this.#earlyBytes > 4 * FILE_WINDOW) return this.cancel('The sandbox sends too much', CLOSE_CODES.slow.code);
    this.#early.push(kept);
  }

  #close(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket === null || this.#ended) return;
    if (this.#relay === null) return socket.terminate();
    this.#relay.close(code, reason.slice(0, 100));
    this.#clock.after(CLOSE_WITHIN, () => socket.terminate());
  }

  #end(bytesIn: number, bytesOut: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#port.closed(bytesIn, bytesOut);
  }
}
