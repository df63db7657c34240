import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { goOn, type GoesOn } from '../file-read.ts';
import { etagOf } from '../files.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { PIECE, Window } from '../paced.ts';
import { placeOf } from '../paths.ts';
import { planArchive, type Planned } from './plan.ts';
import { END, headerOf, paddingOf } from './tar.ts';

/** It is not any more what was announced: the archive ends early, and whoever takes it sees that. */
class Changed extends Error {}

/** Sends from an offset on; what lies before it is not even read. */
class Sender {
  readonly #stream: Stream;
  readonly #window: Window;
  readonly #from: number;
  #at = 0;

  constructor(stream: Stream, window: Window, from: number) {
    this.#stream = stream;
    this.#window = window;
    this.#from = from;
  }

  async bytes(bytes: Uint8Array): Promise<void> {
    const wanted = bytes.subarray(Math.max(0, Math.min(bytes.byteLength, this.#from - this.#at)));
    this.#at += bytes.byteLength;
    if (wanted.byteLength === 0) return;
    await this.#window.room();
    if (this.#window.cancelled) return;
    this.#window.sent(wanted.byteLength);
    this.#stream.data(Uint8Array.from(wanted));
  }

  async file({ place, size, etag }: Planned): Promise<void> {
    if (this.#at + size <= this.#from) return void (this.#at += size);
    const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => {
      throw new Changed();
    });
    try {
      if (etagOf(await file.stat({ bigint: true })) !== etag) throw new Changed();
      let at = Math.max(0, this.#from - this.#at);
      this.#at += at;
      while (at < size && !this.#window.cancelled) {
        const piece = new Uint8Array(Math.min(PIECE, size - at));
        const { bytesRead } = await file.read(piece, 0, piece.byteLength, at);
        if (bytesRead === 0) throw new Changed();
        await this.bytes(piece.subarray(0, bytesRead));
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }
}

/** Streams a tar of files and folders, never further ahead of the reader than the window. */
export function sendArchive(root: string, { paths, ...asked }: GoesOn & { paths: string[] }, stream: Stream): StreamEvents {
  const window = new Window();
  const run = async () => {
    const { entries, size, etag, left } = await planArchive(root, paths);
    const from = goOn(asked, etag, size);
    const name = `${paths.length === 1 ? basename(placeOf(root, paths[0] ?? '')) : 'files'}.tar`;
    stream.head({ ok: true, entry: { name, kind: 'file', size, modified: Date.now() }, etag, binary: true, from, left });
    const sender = new Sender(stream, window, from);
    try {
      for (const entry of entries) {
        if (window.cancelled) return;
        await sender.bytes(headerOf(entry));
        if (entry.size === 0) continue;
        await sender.file(entry);
        await sender.bytes(Buffer.alloc(paddingOf(entry.size)));
      }
      await sender.bytes(Buffer.alloc(END));
    } catch (error) {
      if (!(error instanceof Changed)) throw error;
    }
    if (!window.cancelled) stream.fin();
  };
  run().catch((error: unknown) => stream.fail(error));
  return { ack: (offset) => window.taken(offset), reset: () => window.cancel() };
}
