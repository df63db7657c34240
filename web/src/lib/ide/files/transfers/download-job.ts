import { StreamError } from '../../connection/stream-error.ts';
import { bytesWords } from './words.ts';
import { Job, type JobPorts } from './job.svelte.ts';
import type { Read, RemoteTransfers } from './remote-transfers.ts';
import type { Sink } from './sink.ts';

/** begun anew so often, because it changed while it was read */
const MOST_STARTS = 3;

/** A file, or several things as one archive, on their way to the person's machine. */
export class DownloadJob extends Job {
  readonly direction = 'down';
  readonly #remote: RemoteTransfers;
  readonly #request: Read;
  readonly #sink: Sink;
  #etag: string | null = null;
  #received = 0;

  constructor(ports: JobPorts, remote: RemoteTransfers, request: Read, sink: Sink, name: string) {
    super(ports);
    this.#remote = remote;
    this.#request = request;
    this.#sink = sink;
    this.title = name;
  }

  protected async work(): Promise<void> {
    if (this.#etag === null && this.#received === 0) await this.#sink.reset();
    for (let start = 1; ; start += 1) {
      try {
        await this.throughCuts(() => this.#attempt());
        if (this.#received === this.total) break;
      } catch (thrown) {
        if (!(thrown instanceof StreamError) || thrown.code !== 'conflict') throw thrown;
      }
      if (start === MOST_STARTS) throw new StreamError('conflict', 'It changes again and again while it is read');
      await this.#startOver();
    }
    await this.#sink.finish();
  }

  protected override async giveUp(): Promise<void> {
    await this.#sink.abandon();
    [this.#etag, this.#received] = [null, 0];
    this.moved = 0;
  }

  async #startOver(): Promise<void> {
    await this.#sink.reset();
    [this.#etag, this.#received] = [null, 0];
    this.progress(0);
  }

  #attempt(): Promise<void> {
    const goesOn = this.#etag === null ? {} : { from: this.#received, etag: this.#etag };
    /** of an earlier runner, which begins at the first byte whatever is asked: what is there already */
    let known = 0;
    return this.#remote.read(
      { ...this.#request, ...goesOn },
      {
        head: ({ entry, etag, from, left }) => {
          if (this.#etag !== null && etag !== this.#etag) throw new StreamError('conflict', 'It has changed meanwhile');
          known = this.#received - from;
          if (known < 0) throw new StreamError('invalid', 'The runner left something out');
          this.#etag = etag;
          this.total = entry.size;
          this.detail = `${bytesWords(entry.size)}${left === 0 ? '' : `, without ${left} that can’t be read or lead elsewhere`}`;
        },
        data: (bytes) => {
          const fresh = bytes.subarray(Math.min(known, bytes.byteLength));
          known -= bytes.byteLength - fresh.byteLength;
          if (fresh.byteLength === 0) return undefined;
          this.#received += fresh.byteLength;
          this.progress(this.#received);
          return this.#sink.write(fresh);
        },
      },
      this.signal,
    );
  }
}
