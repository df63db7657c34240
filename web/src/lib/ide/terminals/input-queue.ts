import { concat } from '@gatehouse/core/protocol/bytes.ts';
import type { OutFrame, Source } from '@gatehouse/core/protocol/outbox.ts';

/** Input kept until the terminal has taken it. */
export const MOST_KEPT = 8 * 1024 * 1024;
/** Input kept while there is no connection: what is typed blindly must not surprise later. */
export const MOST_AWAY = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** SPEC T1, T5: what was typed into a terminal, from the first byte that it is not known to have taken. */
export class InputQueue implements Source {
  readonly bulk = false;
  #kept: Uint8Array = NOTHING;
  /** offset of the first byte kept; null before the terminal has told how much it took */
  #from: number | null = null;
  /** of what is kept, bytes that went out on the connection that stands */
  #sent = 0;

  /** bytes that the terminal is not known to have taken */
  get kept(): number {
    return this.#kept.byteLength;
  }

  get pending(): number {
    return this.#kept.byteLength - this.#sent;
  }

  next(room: number): OutFrame | null {
    const payload = this.#kept.subarray(this.#sent, this.#sent + room);
    if (payload.byteLength === 0) return null;
    const offset = (this.#from ?? 0) + this.#sent;
    this.#sent += payload.byteLength;
    return { type: 'data', offset, payload };
  }

  /** @returns false when more than `most` would be kept: nothing of it is, then */
  add(bytes: Uint8Array, most: number): boolean {
    if (this.kept + bytes.byteLength > most) return false;
    this.#kept = concat(this.#kept, bytes);
    return true;
  }

  /** The terminal has taken everything before `offset`. */
  acknowledged(offset: number): void {
    const taken = Math.min(this.#sent, Math.max(0, offset - (this.#from ?? offset)));
    this.#sent -= taken;
    this.#forget(taken);
  }

  /** A new connection: the terminal has taken everything before `offset`, and what lies behind it goes out again. */
  resume(offset: number): void {
    this.#sent = 0;
    this.#forget(Math.min(this.kept, Math.max(0, offset - (this.#from ?? offset))));
    this.#from = offset;
  }

  /** Gives up what the terminal has not taken; what went out already may still reach it. */
  drop(): void {
    if (this.#from !== null) this.#from += this.#sent;
    this.#sent = 0;
    this.#kept = NOTHING;
  }

  #forget(bytes: number): void {
    this.#kept = this.#kept.subarray(bytes);
    if (this.#from !== null) this.#from += bytes;
  }
}
