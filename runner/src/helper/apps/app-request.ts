import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { appRequest } from '../../channel/requests.ts';
import { ServiceFailure } from '../../service-failure.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { Window } from '../paced.ts';
import type { Listeners } from './listeners.ts';

/** Got like this it is loaded with the first request, and not into every sandbox. */
const http = process.getBuiltinModule('node:http');
let agent: Agent | undefined;
const sharedAgent = (): Agent => (agent ??= new http.Agent({ keepAlive: true, maxSockets: 128, maxFreeSockets: 16 }));

type Request = z.infer<typeof appRequest>;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** What an app's failure means, before it has answered. */
const failureOf = (error: unknown, port: number): ServiceFailure =>
  codeOf(error) === 'ECONNREFUSED'
    ? new ServiceFailure('not-found', `Nothing in the workspace listens on port ${port}`)
    : new ServiceFailure('internal', `The app broke the connection (${codeOf(error) || String(error)})`);

/** Asks a web app on the workspace's loopback, and gives its answer back as fast as it is taken. */
export function askApp(listeners: Pick<Listeners, 'find'>, request: Request, stream: Stream): StreamEvents {
  const host = listeners.find(request.port);
  const window = new Window();
  let upstream: ClientRequest;
  let answered = false;
  let over = false;
  let taken = 0;
  const fail = (error: unknown) => {
    if (over) return;
    // A connection that was kept may have been closed at this very moment: asking again does no harm where nothing was sent.
    if (!answered && !request.body && upstream.reusedSocket && codeOf(error) === 'ECONNRESET') return begin();
    over = true;
    if (!answered) return stream.fail(failureOf(error, request.port));
    stream.message({ kind: 'broken' });
    stream.fin();
  };
  const begin = (): void => {
    upstream = http.request({
      host,
      port: request.port,
      method: request.verb,
      path: request.path,
      headers: flat(request),
      agent: sharedAgent(),
    });
    upstream.setNoDelay(true);
    upstream.on('error', fail);
    upstream.on('response', (response) => {
      answered = true;
      stream.head({ ok: true, status: response.statusCode, statusText: response.statusMessage, headers: pairs(response) });
      pass(response).catch(fail);
    });
    // An app that speaks something else than HTTP from here on is no answer to a request.
    upstream.on('upgrade', (_response, socket) => socket.destroy());
    if (!request.body) upstream.end();
  };
  const pass = async (response: IncomingMessage) => {
    for await (const piece of response as AsyncIterable<Buffer>) {
      await window.room();
      if (window.cancelled) return;
      stream.data(piece);
      window.sent(piece.byteLength);
    }
    if (over) return;
    over = true;
    stream.fin();
  };
  begin();
  return {
    data: (bytes) =>
      void upstream.write(bytes, (error) => {
        taken += bytes.byteLength;
        if (error === undefined || error === null) stream.ack(taken);
      }),
    fin: () => void upstream.end(),
    ack: (offset) => window.taken(offset),
    reset: () => {
      over = true;
      window.cancel();
      upstream.destroy();
    },
  };
}

/** As Node takes them, in their order and with repetitions. */
function flat({ headers, body }: Request): string[] {
  const all = headers.flat();
  const hasLength = headers.some(([name]) => name.toLowerCase() === 'content-length');
  return body && !hasLength ? [...all, 'transfer-encoding', 'chunked'] : all;
}

function pairs({ rawHeaders }: IncomingMessage): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) found.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return found;
}
