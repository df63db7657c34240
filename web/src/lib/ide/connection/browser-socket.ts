import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import { connectUrl } from '#lib/api/workspaces.ts';
import type { OpenSocket } from './ports.ts';

/** Sockets of this browser to one workspace. */
export const socketTo =
  (workspaceId: string): OpenSocket =>
  (ticket, events) => {
    const socket = new WebSocket(connectUrl(workspaceId), [SUBPROTOCOL, `ticket.${ticket}`]);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => events.received(data));
    socket.addEventListener('close', ({ code, reason }) => events.closed(code, reason), { once: true });
    return {
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      close: (code, reason) => socket.close(code, reason),
      buffered: () => socket.bufferedAmount,
    };
  };
