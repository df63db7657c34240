import { StreamError } from '../../connection/stream-error.ts';
import type { HeadOf, RequestOf } from '../../connection/stream.ts';
import type { Services } from '../../connection/streams.ts';
import { Upload } from '../upload.ts';

const cancelled = () => new StreamError('cancelled', 'It was cancelled');

/** What is read: a file, or an archive of several things. */
export type Read = RequestOf<'files.read'> | RequestOf<'files.archive'>;

export interface Taking {
  /** what comes, and from which byte on @throws StreamError when it is not wanted */
  head(head: HeadOf<'files.read'>): void;
  data(bytes: Uint8Array): Promise<void> | undefined;
}

/** Files on their way, as the runner serves them. Every method throws StreamError. */
export class RemoteTransfers {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Reads to the end, never further ahead than what was taken. @returns when all that came is taken */
  read(request: Read, taking: Taking, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let steps = Promise.resolve();
      const fail = (error: unknown) => {
        signal.removeEventListener('abort', stop);
        stream?.cancel();
        reject(error instanceof Error ? error : cancelled());
      };
      const stop = () => fail(cancelled());
      const next = (step: () => Promise<void> | undefined) => {
        steps = steps.then(() => (signal.aborted ? undefined : step()));
        steps.catch(fail);
      };
      if (signal.aborted) return void reject(cancelled());
      signal.addEventListener('abort', stop, { once: true });
      const stream = this.#services.open<'files.read'>(request as RequestOf<'files.read'>, {
        head: (head) => {
          try {
            taking.head(head);
          } catch (error) {
            fail(error);
          }
        },
        data: (bytes, offset) =>
          next(async () => {
            await taking.data(bytes);
            stream?.took(offset + bytes.byteLength);
          }),
        finished: () =>
          next(async () => {
            signal.removeEventListener('abort', stop);
            stream?.done();
            resolve();
          }),
        // What came before the cut is taken first: it goes on behind it.
        ended: (error) => void steps.then(() => fail(error), fail),
      });
    });
  }

  /** How much of an upload is there. */
  async part(id: string, discard = false): Promise<number> {
    return (await this.#services.call({ method: 'files.part', id, discard })).size;
  }

  /** Writes the content of an upload from a byte on. @param progress is told how much of it is there */
  write(
    request: RequestOf<'files.write'> & { part: { id: string; from: number } },
    content: Blob,
    progress: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return void reject(cancelled());
      const fail = (error: StreamError) => {
        signal.removeEventListener('abort', stop);
        stream?.cancel();
        reject(error);
      };
      const stop = () => fail(cancelled());
      signal.addEventListener('abort', stop, { once: true });
      const { from } = request.part;
      const upload = new Upload(
        content.slice(from),
        () => stream?.wake(),
        () => fail(new StreamError('invalid', 'The file can’t be read any more: it was moved or changed on your machine')),
      );
      const stream = this.#services.open(request, {
        head: () => {
          signal.removeEventListener('abort', stop);
          stream?.done();
          resolve();
        },
        acknowledged: (offset) => progress(from + offset),
        ended: fail,
      });
      stream?.feed(upload);
    });
  }
}
