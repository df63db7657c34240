import { FILE_WINDOW } from '../channel/requests.ts';
import type { Stream, StreamEvents } from './host.ts';

/** bytes sent at once */
export const PIECE = 64 * 1024;

/** Waits until the runner has taken enough of what was sent. */
export class Window {
  #sent = 0;
  #taken = 0;
  #wake: () => void = () => undefined;
  cancelled = false;

  sent(bytes: number): void {
    this.#sent += bytes;
  }

  taken(offset: number): void {
    this.#taken = Math.max(this.#taken, offset);
    this.#wake();
  }

  cancel(): void {
    this.cancelled = true;
    this.#wake();
  }

  async room(): Promise<void> {
    while (!this.cancelled && this.#sent - this.#taken > FILE_WINDOW - PIECE) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Answers with `head`, then bytes, never further ahead of the reader than the window. */
export function sendPaced(stream: Stream, work: () => Promise<{ head: object; bytes: Uint8Array }>): StreamEvents {
  const window = new Window();
  const run = async () => {
    const { head, bytes } = await work();
    stream.head(head);
    for (let at = 0; at < bytes.byteLength && !window.cancelled; at += PIECE) {
      await window.room();
      const piece = bytes.subarray(at, at + PIECE);
      if (window.cancelled) return;
      stream.data(piece);
      window.sent(piece.byteLength);
    }
    if (!window.cancelled) stream.fin();
  };
  run().catch((error: unknown) => stream.fail(error));
  return { ack: (offset) => window.taken(offset), reset: () => window.cancel() };
}
