/** What one side may have sent on a link and not seen taken yet. */
export interface CreditLimits {
  /** most of one stream, and what each has however many there are */
  most: number;
  least: number;
  /** of all streams together, but for the least of each */
  all: number;
}

interface Account {
  sent: number;
  taken: number;
}

/** SPEC A5: shares what may be on the way between the streams of a link, so that one that nobody reads holds up no other. */
export class Credit {
  readonly #limits: CreditLimits;
  readonly #accounts = new Map<number, Account>();

  constructor(limits: CreditLimits) {
    this.#limits = limits;
  }

  open(stream: number): void {
    this.#accounts.set(stream, { sent: 0, taken: 0 });
  }

  close(stream: number): void {
    this.#accounts.delete(stream);
  }

  /** Bytes that may be sent on that stream now. */
  room(stream: number): number {
    const account = this.#accounts.get(stream);
    if (account === undefined) return 0;
    const { most, least, all } = this.#limits;
    const window = Math.max(least, Math.min(most, Math.floor(all / this.#accounts.size)));
    return Math.max(0, window - (account.sent - account.taken));
  }

  /** @returns offset of the first of these bytes */
  sent(stream: number, bytes: number): number {
    const account = this.#accounts.get(stream);
    if (account === undefined) return 0;
    const offset = account.sent;
    account.sent += bytes;
    return offset;
  }

  /** @returns false when more is said to be taken than was sent, or less than before */
  taken(stream: number, offset: number): boolean {
    const account = this.#accounts.get(stream);
    if (account === undefined) return true;
    if (offset > account.sent || offset < account.taken) return false;
    account.taken = offset;
    return true;
  }
}
