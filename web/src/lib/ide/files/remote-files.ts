import { fileEvents, type FileEntry } from '@gatehouse/core/protocol/services.ts';
import { StreamError } from '../connection/stream-error.ts';
import type { HeadOf } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';

/** The largest file that the editor opens or saves. */
export const MOST_BYTES = 10 * 1024 * 1024;

export interface FileContent {
  entry: FileEntry;
  etag: string;
  /** null when the file is binary or larger than `MOST_BYTES` */
  bytes: Uint8Array | null;
  why: 'binary' | 'too-large' | null;
}

/** The files of a workspace, as its runner serves them. Every method throws StreamError. */
export class RemoteFiles {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  list(path: string): Promise<HeadOf<'files.list'>> {
    return this.#services.call({ method: 'files.list', path });
  }

  stat(path: string): Promise<HeadOf<'files.stat'>> {
    return this.#services.call({ method: 'files.stat', path });
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#services.call({ method: 'files.mkdir', path });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#services.call({ method: 'files.rename', from, to });
  }

  async remove(path: string, recursive: boolean): Promise<void> {
    await this.#services.call({ method: 'files.delete', path, recursive });
  }

  /** Reads a whole file, unless nobody could edit it anyway. */
  read(path: string): Promise<FileContent> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let head: HeadOf<'files.read'> | undefined;
      const stream = this.#services.open(
        { method: 'files.read', path },
        {
          head: (opened) => {
            head = opened;
            const why = opened.binary ? 'binary' : opened.entry.size > MOST_BYTES ? 'too-large' : null;
            if (why === null) return;
            stream?.cancel();
            resolve({ entry: opened.entry, etag: opened.etag, bytes: null, why });
          },
          data: (bytes, offset) => {
            // the payload is a view on the message: kept as it is, it keeps only its own message alive
            chunks.push(bytes);
            stream?.took(offset + bytes.byteLength);
          },
          finished: () => {
            stream?.done();
            if (head !== undefined) resolve({ entry: head.entry, etag: head.etag, bytes: concat(chunks), why: null });
          },
          ended: reject,
        },
      );
    });
  }

  /**
   * Writes a whole file.
   * @param etag of the version edited; null: must not exist yet; "*": whatever is there
   * @throws StreamError `conflict` when something else is there
   */
  write(path: string, bytes: Uint8Array, etag: string | null): Promise<HeadOf<'files.write'>> {
    if (bytes.byteLength > MOST_BYTES) {
      return Promise.reject(new StreamError('too-large', 'Files of more than 10 MB can’t be saved from the editor.'));
    }
    return new Promise((resolve, reject) => {
      const stream = this.#services.open(
        { method: 'files.write', path, etag, size: bytes.byteLength },
        {
          head: (head) => {
            stream?.done();
            resolve(head);
          },
          ended: reject,
        },
      );
      stream?.write(bytes);
      stream?.finish();
    });
  }

  /**
   * Watches what is directly in a directory.
   * @param changed is told paths; null when too much happened to name it
   * @param ended the watch is over, other than by the answer, which ends it
   */
  watch(path: string, changed: (paths: string[] | null) => void, ended: (error: StreamError) => void): () => void {
    const stream = this.#services.open(
      { method: 'files.watch', path },
      { head: () => undefined, message: (body) => changed(changedPaths(body)), ended },
    );
    return () => stream?.cancel();
  }
}

function changedPaths(body: unknown): string[] | null {
  const events = fileEvents.parse(body);
  return events.overflow ? null : events.paths;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
