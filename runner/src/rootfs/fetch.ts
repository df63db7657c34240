import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { TemplateRootfs } from '@gatehouse/core/api/template-rootfs.ts';
import { messageOf } from '../failure.ts';

export const MOST_DOWNLOAD = 20 * 1024 ** 3;
const CONNECT_WITHIN_MS = 30_000;

/**
 * Loads a file, and keeps it only if it is the one that was named.
 * @param progress is told how much of it is here, from 0 to 1, where the server says how large it is
 * @throws Error in words for the person who asked
 */
export async function fetchArchive({ source, digest }: TemplateRootfs, path: string, progress: (part: number) => void): Promise<void> {
  const { hostname } = new URL(source);
  const answer = await open(source, hostname);
  const size = Number(answer.headers.get('content-length') ?? 0);
  const hash = createHash('sha256');
  let taken = 0;
  const count = new Transform({
    transform: (piece: Uint8Array, _encoding, done) => {
      hash.update(piece);
      taken += piece.byteLength;
      if (size > 0) progress(Math.min(1, taken / size));
      done(taken > MOST_DOWNLOAD ? new Error('it is larger than 20 GB') : null, piece);
    },
  });
  try {
    if (answer.body === null) throw new Error('it is empty');
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), count, createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    throw new Error(`The root file system could not be loaded from ${hostname}: ${messageOf(error)}`, { cause: error });
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw new Error(`What ${hostname} gives is not the root file system that the template names: it is ${found}`);
}

async function open(source: string, hostname: string): Promise<Response> {
  let answer: Response;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${CONNECT_WITHIN_MS / 1000} s`)), CONNECT_WITHIN_MS);
  try {
    answer = await fetch(source, { signal: late.signal });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new Error(`The root file system could not be loaded from ${hostname}: ${cause}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (!answer.ok) throw new Error(`The root file system could not be loaded: ${hostname} answers ${answer.status}`);
  return answer;
}
