/** so long a report waits: the echo goes first, and a paste is reported once */
const WITHIN_MS = 8;

/** Tells one runner what the program has of each client's input. What it hears late it only keeps a little longer. */
export class TypedReports {
  readonly #report: (clientId: string, offset: number) => unknown;
  readonly #due = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (clientId: string, offset: number) => unknown) {
    this.#report = report;
  }

  /** The program has all of the client's input before `offset`. */
  upTo(clientId: string, offset: number): void {
    this.#due.set(clientId, offset);
    this.#timer ??= setTimeout(() => this.#tell(), WITHIN_MS);
  }

  /** Nobody listens any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#due.clear();
  }

  #tell(): void {
    this.#timer = undefined;
    const due = [...this.#due];
    this.#due.clear();
    for (const [clientId, offset] of due) this.#report(clientId, offset);
  }
}
