import { TAG_BYTES } from './aead.ts';
import type { Clock } from './clock.ts';
import { LIMITS } from './connection.ts';
import { HEADER_BYTES, type FrameType } from './frame.ts';
import { Pace } from './pace.ts';

/** Beyond this much in the socket's own buffer, urgent frames would wait behind it. */
const SOCKET_FULL = 256 * 1024;
const LOOK_AGAIN = 4;
const PIECE = LIMITS.payload;
/** The end of the window is kept free for what must never wait: an echo. */
const KEPT_FOR_ECHO = 64 * 1024;
const ECHO = 4 * 1024;
/** of what floods and files may use, the most that one of them does: a reader that sticks stops only itself */
const SHARE = 3 / 4;
/** what a frame weighs beside its payload */
const OVERHEAD = HEADER_BYTES + TAG_BYTES;
const NOTHING = new Uint8Array(0);

export interface OutFrame {
  type: FrameType;
  offset?: number;
  payload?: Uint8Array;
}

/** A stream that has something to send when asked. */
export interface Source {
  /** never urgent, however little waits: a file */
  readonly bulk: boolean;
  /** bytes of data that wait */
  readonly pending: number;
  /** the next frame, with at most `room` bytes if it is data; null: nothing to send now */
  next(room: number): OutFrame | null;
}

interface Flight {
  /** offset behind the frame's last byte */
  end: number;
  weight: number;
  sentAt: number;
}

interface Account {
  sent: number;
  acknowledged: number;
  source: Source | null;
  flight: Flight[];
  /** weight of all that is in flight */
  outstanding: number;
}

export interface OutboxPorts {
  send(stream: number, frame: Required<OutFrame>): void;
  /** bytes that the socket holds and has not handed to the network */
  buffered(): number;
  clock: Clock;
}

/** All that goes to one peer, under SPEC W2 to W5: one window over all streams, echoes first, then in turns. */
export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #accounts = new Map<number, Account>();
  readonly #pace = new Pace();
  #window: number;
  #outstanding = 0;
  #cancelLook: (() => void) | null = null;

  /** @param window bytes sent and not acknowledged, headers and tags counted */
  constructor(ports: OutboxPorts, window: number) {
    this.#ports = ports;
    this.#window = window;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get window(): number {
    return this.#window;
  }

  set window(bytes: number) {
    this.#window = bytes;
    this.pump();
  }

  /** Sends at once: what carries no data needs no window. */
  send(stream: number, { type, offset = 0, payload = NOTHING }: OutFrame): void {
    this.#ports.send(stream, { type, offset, payload });
  }

  /** @param from offset of the first data byte to come */
  add(stream: number, source: Source, from: number): void {
    this.#accounts.set(stream, { sent: from, acknowledged: from, source, flight: [], outstanding: 0 });
    this.pump();
  }

  /** The source has ended, but what was sent still counts until it is acknowledged. */
  finish(stream: number): void {
    const account = this.#accounts.get(stream);
    if (account === undefined) return;
    account.source = null;
    this.#settle(stream, account);
  }

  /** The stream is over both ways; nothing of it counts any more. */
  remove(stream: number): void {
    const account = this.#accounts.get(stream);
    if (account === undefined) return;
    this.#outstanding -= account.outstanding;
    this.#accounts.delete(stream);
    this.pump();
  }

  /** @returns false when the peer acknowledges what it was never sent */
  acknowledge(stream: number, offset: number): boolean {
    const account = this.#accounts.get(stream);
    if (account === undefined || offset <= account.acknowledged) return true;
    if (offset > account.sent) return false;
    const telling = offset - account.acknowledged >= LIMITS.ackEvery;
    account.acknowledged = offset;
    let sentAt: number | null = null;
    for (let first = account.flight[0]; first !== undefined && first.end <= offset; first = account.flight[0]) {
      account.flight.shift();
      account.outstanding -= first.weight;
      this.#outstanding -= first.weight;
      sentAt = first.sentAt;
    }
    // One that only a timer sent says nothing about the way.
    if (telling && sentAt !== null) this.#pace.acknowledged(sentAt, this.#ports.clock.now());
    this.#settle(stream, account);
    this.pump();
    return true;
  }

  /** Sends what may be sent now. */
  pump(): void {
    while (this.#ports.buffered() < SOCKET_FULL) if (!this.#sendNext()) return;
    this.#cancelLook ??= this.#ports.clock.after(LOOK_AGAIN, () => {
      this.#cancelLook = null;
      this.pump();
    });
  }

  close(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
    this.#accounts.clear();
    this.#outstanding = 0;
  }

  #settle(stream: number, account: Account): void {
    if (account.source === null && account.flight.length === 0) this.#accounts.delete(stream);
  }

  #room(account: Account, urgent: boolean): number {
    const all = urgent ? this.#window : this.#window - KEPT_FOR_ECHO;
    const own = urgent ? all : Math.min(all * SHARE, this.#pace.window);
    return Math.max(0, Math.min(PIECE, all - this.#outstanding - OVERHEAD, own - account.outstanding - OVERHEAD));
  }

  /** SPEC W4: echoes first, then all others, each in turn. */
  #sendNext(): boolean {
    for (const urgent of [true, false]) {
      for (const [stream, account] of this.#accounts) {
        const { source } = account;
        if (source === null || isUrgent(source) !== urgent) continue;
        const frame = source.next(this.#room(account, urgent));
        if (frame === null) continue;
        this.#book(stream, account, frame);
        this.send(stream, frame);
        return true;
      }
    }
    return false;
  }

  #book(stream: number, account: Account, frame: OutFrame): void {
    if (frame.type === 'data') {
      const bytes = frame.payload?.byteLength ?? 0;
      account.sent += bytes;
      account.flight.push({ end: account.sent, weight: bytes + OVERHEAD, sentAt: this.#ports.clock.now() });
      account.outstanding += bytes + OVERHEAD;
      this.#outstanding += bytes + OVERHEAD;
    }
    // To the end of the line, so that streams take turns.
    if (this.#accounts.delete(stream)) this.#accounts.set(stream, account);
    if (frame.type === 'fin') this.finish(stream);
  }
}

const isUrgent = (source: Source): boolean => !source.bulk && source.pending <= ECHO;
