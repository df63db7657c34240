import { FILE_WINDOW } from '../channel/requests.ts';

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
