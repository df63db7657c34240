import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { startOidcProvider } from '../../support/oidc/provider.mjs';
import { timed } from '../measure.ts';

interface Told {
  request: IncomingMessage;
  socket: Socket;
}

/** The real provider of the tests, in this process, with the time that it has spent on answers. */
export interface TimedProvider {
  url: string;
  /** Makes somebody of its own the one who signs in next to that client. */
  letIn(clientId: string, redirectUri: string, person: { sub: string; email: string; name: string }): Promise<void>;
  /** Milliseconds of `work` without, and within, the provider. */
  apart<T>(work: () => Promise<T>): Promise<{ ours: number; theirs: number; answer: T }>;
  close(): Promise<unknown>;
}

export const CLIENT_SECRET = 'a secret of the benchmark';

export async function startTimedProvider(): Promise<TimedProvider> {
  const { url, close } = await startOidcProvider();
  const port = Number(new URL(url).port);
  const begun = new WeakMap<IncomingMessage, number>();
  let spent = 0;
  const begin = (told: unknown) => {
    const { request, socket } = told as Told;
    if (socket.localPort === port) begun.set(request, performance.now());
  };
  const finish = (told: unknown) => {
    const at = begun.get((told as Told).request);
    if (at !== undefined) spent += performance.now() - at;
  };
  const watched = [[channel('http.server.request.start'), begin] as const, [channel('http.server.response.finish'), finish] as const];
  for (const [each, look] of watched) each.subscribe(look);
  return {
    url,
    letIn: async (clientId, redirectUri, person) => {
      const client = {
        ...{ client_secret: CLIENT_SECRET, redirect_uris: [redirectUri], grant_types: ['authorization_code'], response_types: ['code'] },
      };
      const answer = await fetch(`${url}/control/${clientId}`, { method: 'PUT', body: JSON.stringify({ client, person }) });
      if (!answer.ok) throw new Error(`The provider answered ${answer.status}`);
      await answer.arrayBuffer();
    },
    apart: async (work) => {
      const before = spent;
      const [took, answer] = await timed(work);
      const theirs = spent - before;
      return { ours: took - theirs, theirs, answer };
    },
    close: async () => {
      for (const [each, look] of watched) each.unsubscribe(look);
      await close();
    },
  };
}
