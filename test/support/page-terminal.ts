import { ptyOpened, type PtyExit, type PtyOpened } from '@gatehouse/core/protocol/services.ts';
import type { Clock } from '@gatehouse/core/protocol/clock.ts';
import type { StreamError } from '../../web/src/lib/ide/connection/stream-error.ts';
import type { Services } from '../../web/src/lib/ide/connection/streams.ts';
import { TerminalLink, type LinkedTerminal, type Screen, type Size } from '../../web/src/lib/ide/terminals/terminal-link.ts';

/** Gets the output, in order. @param offset of the first of these bytes since the terminal's first */
export type Output = (bytes: Uint8Array, offset: number) => void;

/** A terminal of a page whose screen is bytes. It watches over what an eye would not see: where each byte belongs. */
export class PageTerminal implements Screen {
  readonly link: TerminalLink;
  readonly sizes: Size[] = [];
  /** where output began anew behind a state of the screen: offset, and bytes of that state */
  readonly states: { offset: number; bytes: number }[] = [];
  /** gaps and overlaps (SPEC S3, T4); there should be none */
  readonly faults: string[] = [];
  exit: PtyExit | null = null;
  lost: StreamError | null = null;
  /** offset of the next byte of output; null before the terminal was joined */
  position: number | null = null;
  /** resolves when the terminal was joined for the first time, and rejects when it can't be had */
  readonly joined: Promise<void>;
  readonly #output: Output;
  #stateLeft = 0;

  constructor(services: Services, clock: Clock, terminal: LinkedTerminal, output: Output) {
    this.#output = output;
    const watched: Services = {
      call: (request) => services.call(request),
      open: (request, events) =>
        services.open(request, {
          ...events,
          head: (head) => {
            this.#begin(ptyOpened.parse(head));
            events.head(head);
          },
        }),
    };
    const joined = Promise.withResolvers<undefined>();
    this.joined = joined.promise;
    const ignore = (): void => undefined;
    const events = {
      opened: () => joined.resolve(undefined),
      exited: (exit: PtyExit) => (this.exit = exit),
      lost: (error: StreamError) => {
        this.lost = error;
        joined.reject(error);
      },
    };
    this.link = new TerminalLink(
      watched,
      clock,
      this,
      { renamed: ignore, held: ignore, sized: ignore, pending: ignore, catchingUp: ignore, ...events },
      terminal,
    );
  }

  /** @throws Error when the terminal can't be had */
  get id(): string {
    if (this.link.terminalId === null) throw new Error(`The terminal was not opened: ${this.lost?.message ?? 'no connection'}`);
    return this.link.terminalId;
  }

  /** @throws Error when it can neither be sent nor kept */
  type(text: string): void {
    if (!this.link.input(text)) throw new Error(`“${text}” was not taken: ${this.lost?.message ?? 'too much is kept'}`);
  }

  write(bytes: Uint8Array, _replay: boolean, parsed: () => void): void {
    if (this.#stateLeft > 0) this.#stateLeft -= bytes.byteLength;
    else {
      const offset = this.position ?? 0;
      this.position = offset + bytes.byteLength;
      this.#output(bytes, offset);
    }
    parsed();
  }

  resize(size: Size): void {
    this.sizes.push(size);
  }

  reset(size: Size): void {
    this.sizes.push(size);
  }

  #begin({ offset, state }: PtyOpened): void {
    if (this.#stateLeft > 0) this.states.pop();
    else if (state === null && this.position !== null && this.position !== offset) {
      this.faults.push(`Output goes on at ${offset} where ${this.position} was due`);
    }
    this.#stateLeft = state ?? 0;
    this.position = offset + this.#stateLeft;
    if (state !== null) this.states.push({ offset: this.position, bytes: state });
  }
}
