import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { MOST_FILE_BYTES } from '@gatehouse/core/protocol/files.ts';
import { ServiceFailure } from '../service-failure.ts';
import { entryOf, etagOf } from './files.ts';
import type { Stream, StreamEvents } from './host.ts';
import { PIECE, Window } from './paced.ts';
import { placeOf } from './paths.ts';

const LOOK_FOR_NUL = 8 * 1024;

export interface GoesOn {
  from?: number | undefined;
  etag?: string | undefined;
}

/** Where a transfer goes on. @throws ServiceFailure `conflict` when it is not what a part of was taken already */
export function goOn({ from = 0, etag }: GoesOn, found: string, size: number): number {
  if (etag !== undefined && etag !== found) throw new ServiceFailure('conflict', 'It has changed since a part of it was taken');
  if (from > size) throw new ServiceFailure('invalid', 'It is not as long as that');
  return from;
}

async function sendFile(file: FileHandle, place: string, asked: GoesOn, stream: Stream, window: Window): Promise<void> {
  const stats = await file.stat({ bigint: true });
  if (!stats.isFile()) throw new ServiceFailure('not-a-file', 'Only files can be read');
  if (stats.size > BigInt(MOST_FILE_BYTES)) throw new ServiceFailure('too-large', 'The file is larger than 2 GB');
  const size = Number(stats.size);
  const from = goOn(asked, etagOf(stats), size);
  const first = new Uint8Array(Math.min(LOOK_FOR_NUL, size));
  const { bytesRead } = await file.read(first, 0, first.byteLength, 0);
  const binary = first.subarray(0, bytesRead).includes(0);
  stream.head({ ok: true, entry: entryOf(basename(place), stats), etag: etagOf(stats), binary, from });
  for (let at = from; at < size && !window.cancelled;) {
    await window.room();
    const piece = new Uint8Array(Math.min(PIECE, size - at));
    const { bytesRead: read } = await file.read(piece, 0, piece.byteLength, at);
    if (read === 0 || window.cancelled) break;
    stream.data(piece.subarray(0, read));
    window.sent(read);
    at += read;
  }
  if (!window.cancelled) stream.fin();
}

/** Streams a file, never further ahead of the reader than the window. */
export function readFile(root: string, { path, ...asked }: GoesOn & { path: string }, stream: Stream): StreamEvents {
  const window = new Window();
  const run = async () => {
    const place = placeOf(root, path);
    // Without O_NONBLOCK a named pipe would hold up the helper until somebody writes to it.
    const file = await open(place, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await sendFile(file, place, asked, stream, window);
    } finally {
      await file.close();
    }
  };
  run().catch((error: unknown) => stream.fail(error));
  return { ack: (offset) => window.taken(offset), reset: () => window.cancel() };
}
