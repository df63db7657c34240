import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { encodeFrame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import type { Clock } from '../connection/clock.ts';
import type { Socket } from '../connection/socket.ts';

/** Beyond this much in the socket's own buffer, urgent frames would wait behind it. */
const SOCKET_FULL = 256 * 1024;
const LOOK_AGAIN = 4;
const PIECE = 32 * 1024;
/** The end of the window is kept free for those that must never wait: files leave room to terminals, floods to echo. */
const KEPT_FROM_FILES = 256 * 1024;
const KEPT_FROM_FLOODS = 64 * 1024;
const ECHO = 4 * 1024;
const NOTHING = new Uint8Array(0);

export interface OutFrame {
  type: FrameType;
  offset?: number;
  payload?: Uint8Array;
}

/** A stream that has something to send when asked: first come terminals, in turn, then files. */
export interface Source {
  readonly bulk: boolean;
  /** bytes of data that wait */
  readonly pending: number;
  /** the next frame, with at most `room` bytes if it is data; null: nothing to send now */
  next(room: number): OutFrame | null;
}

interface Account {
  sent: number;
  acknowledged: number;
  source: Source | null;
}

/** All that goes to one viewer, under SPEC W2: at most 1 MiB sent and not acknowledged. */
export class Outbox {
  readonly #viewer: number;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #accounts = new Map<number, Account>();
  #outstanding = 0;
  #cancelLook: (() => void) | null = null;

  constructor(viewer: number, socket: Socket, clock: Clock) {
    this.#viewer = viewer;
    this.#socket = socket;
    this.#clock = clock;
  }

  /** Sends at once: what carries no data needs no window. */
  send(stream: number, { type, offset = 0, payload = NOTHING }: OutFrame): void {
    this.#socket.send(encodeFrame({ type, stream, offset, payload, viewer: this.#viewer, sealed: false }));
  }

  /** @param from offset of the first data byte to come */
  add(stream: number, source: Source, from: number): void {
    this.#accounts.set(stream, { sent: from, acknowledged: from, source });
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
    this.#outstanding -= account.sent - account.acknowledged;
    this.#accounts.delete(stream);
    this.pump();
  }

  /** @returns false when the viewer acknowledges what it was never sent */
  acknowledge(stream: number, offset: number): boolean {
    const account = this.#accounts.get(stream);
    if (account === undefined || offset <= account.acknowledged) return true;
    if (offset > account.sent) return false;
    this.#outstanding -= offset - account.acknowledged;
    account.acknowledged = offset;
    this.#settle(stream, account);
    this.pump();
    return true;
  }

  /** Sends what may be sent now. */
  pump(): void {
    while (this.#socket.buffered < SOCKET_FULL) if (!this.#sendNext()) return;
    this.#cancelLook ??= this.#clock.after(LOOK_AGAIN, () => {
      this.#cancelLook = null;
      this.pump();
    });
  }

  close(): void {
    this.#cancelLook?.();
    this.#accounts.clear();
  }

  #settle(stream: number, account: Account): void {
    if (account.source === null && account.sent === account.acknowledged) this.#accounts.delete(stream);
  }

  #room(source: Source): number {
    const kept = source.bulk ? KEPT_FROM_FILES : source.pending > ECHO ? KEPT_FROM_FLOODS : 0;
    return Math.max(0, Math.min(PIECE, LIMITS.driverWindow - kept - this.#outstanding));
  }

  #sendNext(): boolean {
    for (const bulk of [false, true]) {
      for (const [stream, account] of this.#accounts) {
        const { source } = account;
        if (source === null || source.bulk !== bulk) continue;
        const frame = source.next(this.#room(source));
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
      this.#outstanding += bytes;
    }
    // To the end of the line, so that streams take turns.
    if (this.#accounts.delete(stream)) this.#accounts.set(stream, account);
    if (frame.type === 'fin') this.finish(stream);
  }
}
