import { setImmediate } from 'node:timers/promises';

const METHODS = ['decrypt', 'deriveBits', 'digest', 'encrypt', 'exportKey', 'generateKey', 'importKey', 'sign', 'verify'] as const;

/**
 * Makes WebCrypto do one thing after the other, in the order in which they were asked for, and tells when nothing is
 * left: so it can run on its threads, and leave no trace of them in what a simulation does.
 */
export class CryptoTurns {
  #running = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    for (const method of METHODS) {
      const original = crypto.subtle[method].bind(crypto.subtle) as (...given: unknown[]) => Promise<unknown>;
      Object.defineProperty(crypto.subtle, method, {
        configurable: true,
        value: (...given: unknown[]) => this.#inTurn(() => original(...given)),
      });
    }
  }

  /** Once all is done that was asked for, and all that was asked for because of that. */
  async settled(): Promise<void> {
    do await setImmediate();
    while (this.#running > 0);
  }

  /** WebCrypto is again as it was. */
  end(): void {
    for (const method of METHODS) Reflect.deleteProperty(crypto.subtle, method);
  }

  async #inTurn(operation: () => Promise<unknown>): Promise<unknown> {
    this.#running += 1;
    const before = this.#last;
    const mine = before.then(operation);
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#running -= 1;
    }
  }
}
