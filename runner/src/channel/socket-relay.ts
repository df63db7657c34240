import type { WebSocket } from 'ws';
import { piecesOf, readPiece } from './socket-piece.ts';

/** Bytes that may be on their way and not taken: beyond, the socket is not read. */
const WINDOW = 256 * 1024;

export interface RelayPorts {
  data(piece: Uint8Array): void;
  ack(offset: number): void;
  closed(code: number, reason: string): void;
}

/** Codes that a program may say; what it may not say becomes “going away”. */
const sayable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999);

/** Between a WebSocket and a stream of pieces: neither side is read faster than the other takes. */
export class SocketRelay {
  readonly #socket: WebSocket;
  readonly #ports: RelayPorts;
  #sent = 0;
  #taken = 0;
  #passed = 0;
  /** bytes of messages, from the socket and to it */
  received = 0;
  given = 0;

  /** @param socket that is open */
  constructor(socket: WebSocket, ports: RelayPorts) {
    this.#socket = socket;
    this.#ports = ports;
    socket.on('message', (message: Buffer, binary: boolean) => this.#message(message, binary));
    socket.on('close', (code, reason) => ports.closed(code, reason.toString()));
    // Its close says as much.
    socket.on('error', () => undefined);
  }

  /** A piece for the socket. */
  take(piece: Uint8Array): void {
    const { bytes, binary, last } = readPiece(piece);
    this.given += bytes.byteLength;
    this.#socket.send(bytes, { binary, fin: last }, () => {
      this.#passed += piece.byteLength;
      this.#ports.ack(this.#passed);
    });
  }

  /** The other side has taken so much. */
  taken(offset: number): void {
    this.#taken = Math.max(this.#taken, offset);
    if (this.#socket.isPaused && this.#sent - this.#taken <= WINDOW / 2) this.#socket.resume();
  }

  close(code: number, reason: string): void {
    if (sayable(code)) this.#socket.close(code, reason);
    else this.#socket.close(1001);
  }

  #message(message: Buffer, binary: boolean): void {
    this.received += message.byteLength;
    for (const piece of piecesOf(message, binary)) {
      this.#sent += piece.byteLength;
      this.#ports.data(piece);
    }
    if (this.#sent - this.#taken > WINDOW) this.#socket.pause();
  }
}
