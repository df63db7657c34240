import { WebSocket } from 'ws';
import { problem } from '@gatehouse/core/api/common.ts';
import { STREAM_KEY_HEADER } from '@gatehouse/core/protocol/tunnel.ts';
import { socketUrl } from '../platform-url.ts';

const STREAM_WITHIN = 10_000;

/** What is needed of a WebSocket, so that tests can stand two in memory. */
export interface Socket {
  send(message: string | Uint8Array<ArrayBuffer>): void;
  close(code: number, reason: string): void;
  /** bytes not yet handed to the network */
  readonly buffered: number;
}

export interface SocketEvents {
  opened(): void;
  text(message: string): void;
  binary(message: Uint8Array): void;
  closed(code: number, reason: string): void;
}

export type Dial = (path: string, events: SocketEvents) => Socket;

/**
 * Dials the platform as this runner. Not with Node's own WebSocket: it always offers compression, which sealed frames
 * only pay for (measured: a quarter less output a second).
 */
export const dialPlatform =
  (origin: string, token: string): Dial =>
  (path, events) => {
    const socket = new WebSocket(socketUrl(origin, path), { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false });
    socket.on('open', () => events.opened());
    socket.on('message', (message: Buffer, isBinary) => {
      if (isBinary) events.binary(message);
      else events.text(message.toString());
    });
    // An error is always followed by a close, which says as much.
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => events.closed(code, reason.toString()));
    return {
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      close: (code, reason) => socket.close(code, reason),
      get buffered() {
        return socket.bufferedAmount;
      },
    };
  };

/** Dials for one WebSocket of a web app, with the key that shows for which. */
export type DialStream = (path: string, key: string) => WebSocket;

export const dialStreamOf =
  (origin: string, token: string): DialStream =>
  (path, key) =>
    new WebSocket(socketUrl(origin, path), {
      headers: { authorization: `Bearer ${token}`, [STREAM_KEY_HEADER]: key },
      perMessageDeflate: false,
      handshakeTimeout: STREAM_WITHIN,
    });

export type Refusal = (path: string) => Promise<string | null>;

/**
 * Why the platform refuses an address for good, or null when dialling again may help. A WebSocket that was
 * refused at the door does not tell its status, a plain request to the same address does.
 */
export const askRefusal =
  (origin: string, token: string): Refusal =>
  async (path) => {
    try {
      const response = await fetch(origin + path, {
        headers: { authorization: `Bearer ${token}` },
        redirect: 'error',
        signal: AbortSignal.timeout(10_000),
      });
      if (![401, 403, 404, 410].includes(response.status)) return null;
      const fault = problem.safeParse(await response.json().catch(() => null));
      // An error page of some proxy on the way is not the platform's word.
      return fault.success ? `${fault.data.title}: ${fault.data.detail}` : null;
    } catch {
      return null;
    }
  };
