import { WebSocket } from 'ws';
import type { z } from 'zod';
import { socketEnd, type appSocket } from '../../channel/requests.ts';
import { SocketRelay } from '../../channel/socket-relay.ts';
import { ServiceFailure } from '../../service-failure.ts';
import type { Stream, StreamEvents } from '../host.ts';
import type { Listeners } from './listeners.ts';

const SHAKEN_WITHIN = 10_000;
/** the largest message that the platform passes on */
const MOST_MESSAGE = 32 * 1024 * 1024;

/** Opens a WebSocket to a web app on the workspace's loopback. */
export function joinApp(listeners: Pick<Listeners, 'find'>, request: z.infer<typeof appSocket>, stream: Stream): StreamEvents {
  const host = listeners.find(request.port) === '::1' ? '[::1]' : '127.0.0.1';
  const socket = new WebSocket(`ws://${host}:${request.port}${request.path}`, request.protocols, {
    headers: Object.fromEntries(request.headers.filter(([name]) => name.toLowerCase() !== 'accept-encoding')),
    perMessageDeflate: false,
    handshakeTimeout: SHAKEN_WITHIN,
    maxPayload: MOST_MESSAGE,
  });
  let relay: SocketRelay | null = null;
  let over = false;
  const end = (finish: () => void) => {
    if (over) return;
    over = true;
    finish();
  };
  socket.on('open', () => {
    relay = new SocketRelay(socket, {
      data: (piece) => stream.data(piece),
      ack: (offset) => stream.ack(offset),
      closed: (code, reason) =>
        end(() => {
          stream.message({ kind: 'closed', code, reason });
          stream.fin();
        }),
    });
    stream.head({ ok: true, status: 101, protocol: socket.protocol === '' ? null : socket.protocol });
  });
  socket.on('unexpected-response', (_request, response) =>
    end(() => {
      stream.head({ ok: true, status: response.statusCode, statusText: response.statusMessage });
      stream.fin();
      response.destroy();
    }),
  );
  socket.on(
    'error',
    (error) =>
      relay === null && end(() => stream.fail(new ServiceFailure('internal', `The app did not agree to a WebSocket (${error.message})`))),
  );
  return {
    data: (piece) => relay?.take(piece),
    ack: (offset) => relay?.taken(offset),
    message: (value) => {
      const { code, reason } = socketEnd.parse(value);
      relay?.close(code, reason);
    },
    reset: () => {
      over = true;
      socket.terminate();
    },
  };
}
