import { WebSocket } from 'ws';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import type { OpenSocket } from '../../web/src/lib/ide/connection/ports.ts';

/** Where a page dials, and as whom. */
export interface Address {
  /** what the page was loaded from */
  origin: string;
  workspaceId: string;
  /** port that is really dialled, as of a proxy; left out: the origin's own */
  via?: number;
}

/** The address that is really dialled. */
export const dialled = ({ origin, via }: Address): string => (via === undefined ? origin : `http://127.0.0.1:${via}`);

/** A socket of a page. */
export function dialWorkspace(address: Address, cookie: string, ticket: string): WebSocket {
  const url = `${dialled(address).replace('http', 'ws')}/api/v1/workspaces/${address.workspaceId}/connect`;
  const socket = new WebSocket(url, [SUBPROTOCOL, `ticket.${ticket}`], {
    headers: { Origin: address.origin, Cookie: cookie },
    perMessageDeflate: false,
  });
  socket.binaryType = 'arraybuffer';
  // The close that follows says as much.
  socket.on('error', () => undefined);
  return socket;
}

/** What a browser's WebSocket is to the connection. @param opened is given each socket that is dialled */
export const nodeSocketTo =
  (address: Address, cookie: () => string, opened: (socket: WebSocket) => void): OpenSocket =>
  (ticket, events) => {
    const socket = dialWorkspace(address, cookie(), ticket);
    opened(socket);
    socket.on('message', (message: ArrayBuffer | Buffer) => events.received(Buffer.isBuffer(message) ? message.toString() : message));
    socket.once('close', (code, reason) => events.closed(code, reason.toString()));
    return {
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      close: (code, reason) => {
        if (code !== 1000 && (code < 3000 || code > 4999)) throw new Error(`No browser closes with ${code}`);
        socket.close(code, reason);
      },
      buffered: () => socket.bufferedAmount,
    };
  };
