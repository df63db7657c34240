import type { z } from 'zod';
import { chunksMissing, type snapshotBegin, type snapshotEnd } from '@gatehouse/core/api/snapshots.ts';
import { backoffDelay } from '../connection/backoff.ts';
import type { Clock } from '../connection/clock.ts';
import { messageOf } from '../failure.ts';

/** Where snapshots are kept, as the service lets this runner see it. Each call waits out what passes. */
export interface Remote {
  begin(id: string, facts: z.input<typeof snapshotBegin>, signal: AbortSignal): Promise<void>;
  /** @returns those that are not stored yet */
  claim(id: string, chunks: readonly string[], signal: AbortSignal): Promise<string[]>;
  putChunk(id: string, chunk: string, sealed: Buffer, signal: AbortSignal): Promise<void>;
  putManifest(id: string, sealed: Buffer, signal: AbortSignal): Promise<void>;
  end(id: string, facts: z.input<typeof snapshotEnd>, signal: AbortSignal): Promise<void>;
  manifest(id: string, signal: AbortSignal): Promise<Buffer>;
  chunk(id: string, chunk: string, signal: AbortSignal): Promise<Buffer>;
}

/** The service has answered, and trying again would not help. */
export class RemoteRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'RemoteRefused';
    this.status = status;
  }
}

/** One exchange. @throws Error when there is no answer */
export type Exchange = (
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body: { json: object } | { bytes: Buffer } | null,
  signal: AbortSignal,
) => Promise<{ status: number; bytes: Buffer }>;

const ANSWER_WITHIN_MS = 60_000;
/** some two minutes in all */
const ATTEMPTS = 9;

export const exchangeWith =
  (url: string, token: string): Exchange =>
  async (method, path, body, signal) => {
    const type = body === null ? {} : { 'content-type': 'json' in body ? 'application/json' : 'application/octet-stream' };
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...type },
      body: body === null ? null : 'json' in body ? JSON.stringify(body.json) : new Uint8Array(body.bytes),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
  };

/** @param clock.after what waits between attempts */
export function remoteOver(exchange: Exchange, clock: Clock): Remote {
  const ask = async (...[method, path, body, signal]: Parameters<Exchange>): Promise<Buffer> => {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const why = await exchange(method, path, body, signal).then(
        ({ status, bytes }) => (status < 300 ? { bytes } : { status, message: detailOf(status, bytes) }),
        (error: unknown) => ({ status: null, message: messageOf(error) }),
      );
      if ('bytes' in why) return why.bytes;
      signal.throwIfAborted();
      const passes = why.status === null || why.status === 408 || why.status === 429 || why.status >= 500;
      if (!passes) throw new RemoteRefused(why.status, why.message);
      if (attempt === ATTEMPTS - 1) throw new Error(why.message);
      await pause(clock, backoffDelay(attempt, clock.random()), signal);
    }
  };
  const at = (id: string) => `/runner/snapshots/${id}`;
  return {
    begin: async (id, facts, signal) => void (await ask('PUT', at(id), { json: facts }, signal)),
    claim: async (id, chunks, signal) => {
      const answer = await ask('POST', `${at(id)}/claim`, { json: { chunks: [...chunks] } }, signal);
      return chunksMissing.parse(JSON.parse(answer.toString())).missing;
    },
    putChunk: async (id, chunk, sealed, signal) => void (await ask('PUT', `${at(id)}/chunks/${chunk}`, { bytes: sealed }, signal)),
    putManifest: async (id, sealed, signal) => void (await ask('PUT', `${at(id)}/manifest`, { bytes: sealed }, signal)),
    end: async (id, facts, signal) => void (await ask('POST', `${at(id)}/end`, { json: facts }, signal)),
    manifest: (id, signal) => ask('GET', `${at(id)}/manifest`, null, signal),
    chunk: (id, chunk, signal) => ask('GET', `${at(id)}/chunks/${chunk}`, null, signal),
  };
}

function detailOf(status: number, bytes: Buffer): string {
  try {
    const { detail } = JSON.parse(bytes.toString()) as { detail?: unknown };
    if (typeof detail === 'string') return detail.slice(0, 500);
  } catch {
    // What stands between may answer in its own words.
  }
  return `The service answers ${status}`;
}

/** Waits, unless it is broken off. */
export const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const stop = () => {
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
