import { problem } from '@gatehouse/core/api/common.ts';
import { socketUrl } from '../platform-url.ts';

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

/** Node's WebSocket takes headers as a second argument, which the web's types do not know. */
type HeaderSocket = new (url: string, options: { headers: Record<string, string> }) => WebSocket;
const isHeaderSocket = (value: unknown): value is HeaderSocket => typeof value === 'function';

/** Dials the platform as this runner. */
export const dialPlatform =
  (origin: string, token: string): Dial =>
  (path, events) => {
    const constructor: unknown = WebSocket;
    if (!isHeaderSocket(constructor)) throw new Error('This Node has no WebSocket');
    const socket = new constructor(socketUrl(origin, path), { headers: { authorization: `Bearer ${token}` } });
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => events.opened();
    socket.onmessage = (event) => {
      const data: unknown = event.data;
      if (typeof data === 'string') events.text(data);
      else if (data instanceof ArrayBuffer) events.binary(new Uint8Array(data));
    };
    // An error is always followed by a close, which says as much.
    socket.onerror = () => undefined;
    socket.onclose = ({ code, reason }) => events.closed(code, reason);
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
      return fault.success ? `${fault.data.title}: ${fault.data.detail}` : `status ${response.status}`;
    } catch {
      return null;
    }
  };
