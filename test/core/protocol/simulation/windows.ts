import { TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import { decodeFrame, type Frame } from '@gatehouse/core/protocol/frame.ts';
import type { Message } from './wire.ts';

interface Account {
  /** by stream, frames that were not acknowledged */
  flight: Map<number, { end: number; weight: number }[]>;
  /** of all of them, when it was most */
  most: number;
}

/** Counts by the headers alone what the runner has sent to each viewer and not seen acknowledged (SPEC W2). */
export class Windows {
  readonly #accounts = new Map<number, Account>();

  /** bytes that were on the way to each viewer when it was most */
  get most(): Map<number, number> {
    return new Map([...this.#accounts].map(([viewer, { most }]) => [viewer, most]));
  }

  /** bytes that are on the way to a viewer now */
  outstanding(viewer: number): number {
    const account = this.#accounts.get(viewer);
    return account === undefined ? 0 : outstanding(account);
  }

  sent(message: Message): void {
    if (typeof message === 'string') return;
    const frame = decodeFrame(message);
    const account = this.#account(frame);
    if (frame.type === 'reset') account.flight.delete(frame.stream);
    if (frame.type !== 'data') return;
    const end = frame.offset + frame.payload.byteLength - TAG_BYTES;
    account.flight.set(frame.stream, [...(account.flight.get(frame.stream) ?? []), { end, weight: message.byteLength }]);
    account.most = Math.max(account.most, outstanding(account));
  }

  received(message: Message): void {
    if (typeof message === 'string') return;
    const frame = decodeFrame(message);
    const account = this.#account(frame);
    if (frame.type === 'reset') account.flight.delete(frame.stream);
    if (frame.type !== 'ack') return;
    const rest = (account.flight.get(frame.stream) ?? []).filter(({ end }) => end > frame.offset);
    account.flight.set(frame.stream, rest);
  }

  #account({ viewer }: Frame): Account {
    const account = this.#accounts.get(viewer) ?? { flight: new Map(), most: 0 };
    this.#accounts.set(viewer, account);
    return account;
  }
}

const outstanding = ({ flight }: Account): number => [...flight.values()].flat().reduce((sum, { weight }) => sum + weight, 0);
