import { MAX_PAYLOAD } from '@gatehouse/core/protocol/frame.ts';
import type { OutputRing } from '../channel/ring.ts';
import type { ProgramExit } from '../channel/requests.ts';
import type { Host, Stream } from './host.ts';

const WITHIN_MS = 8;
/** so many pieces within that time are echoes; more are a flood */
const AT_ONCE = 4;

/**
 * Sends one terminal's output to the runner, out of its ring: the first pieces at once, what follows within 8 ms
 * together, and whole frames as soon as they are full. A PTY is read 4 KiB at a time, and fifty megabytes in such
 * messages would be 12,500 of them.
 */
export class Feed {
  readonly #ring: OutputRing;
  readonly #host: Host;
  readonly #stream: Stream;
  readonly #sent: () => void;
  readonly #release: () => void;
  #cursor: number;
  #timer: NodeJS.Timeout | undefined;
  /** sent or held back since the timer runs */
  #pieces = 0;
  #exit: ProgramExit | null = null;

  /** @param sent `pending` may have become less */
  constructor(ring: OutputRing, host: Host, stream: Stream, from: number, sent: () => void) {
    this.#ring = ring;
    this.#host = host;
    this.#stream = stream;
    this.#cursor = from;
    this.#sent = sent;
    this.#release = host.holdBack({ pause: () => undefined, resume: () => this.#go() });
  }

  /** bytes that the runner was not sent yet */
  get pending(): number {
    return this.#ring.end - this.#cursor;
  }

  /** The ring has more. */
  changed(): void {
    this.flush(this.#pieces < AT_ONCE ? 1 : MAX_PAYLOAD);
    this.#pieces += 1;
    this.#timer ??= setTimeout(() => this.#tick(), WITHIN_MS);
  }

  /** Sends what there is now, if it is at least so much and the socket takes it. */
  flush(least = 1): void {
    while (this.pending >= least && !this.#host.full) this.#send();
  }

  /** The program has ended: this is told behind its output, and nothing follows. */
  end(exit: ProgramExit): void {
    this.#exit = exit;
    this.flush();
    this.#finish();
  }

  /** The runner listens no longer. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#release();
  }

  /** One frame each time, so that terminals take turns; a whole one brings the next drain, and the rest waits for the timer. */
  #go(): void {
    if (this.pending >= MAX_PAYLOAD) this.#send();
  }

  #send(): void {
    const offset = this.#cursor;
    const piece = this.#ring.read(offset, MAX_PAYLOAD);
    this.#cursor += piece.byteLength;
    this.#stream.data(piece, offset);
    this.#sent();
    this.#finish();
  }

  #finish(): void {
    if (this.#exit === null || this.pending > 0) return;
    this.stop();
    this.#stream.message(this.#exit);
    this.#exit = null;
    this.#stream.fin();
  }

  #tick(): void {
    this.#timer = undefined;
    this.#pieces = 0;
    if (this.pending > 0) this.changed();
  }
}
