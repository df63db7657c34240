import { mayRetry } from '@gatehouse/core/protocol/close.ts';
import { backoffDelay } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Dial, Refusal, Socket } from './socket.ts';

const PING_EVERY = 20_000;
const PONG_WITHIN = 10_000;
const DIAL_WITHIN = 20_000;
const NORMAL = 1000;

export interface ConnectionOptions {
  path: string;
  dial: Dial;
  refusal: Refusal;
  clock: Clock;
  opened(socket: Socket): void;
  text(message: string): void;
  binary(message: Uint8Array): void;
  /** the socket is gone; `retryIn` milliseconds to the next dial */
  lost(why: string, retryIn: number): void;
  /** dialling again can't help; `code` of the close, null when refused at the door */
  refused(why: string, code: number | null): void;
}

export interface Connection {
  /** the other side has proved to be well: the next pause begins small again */
  settled(): void;
  /** drops this socket and dials again */
  redial(code: number, why: string): void;
  stop(): void;
}

/** Keeps one socket to the platform: redials with jittered backoff, and gives up a socket whose pings stay unanswered. */
export function keepConnected(options: ConnectionOptions): Connection {
  const { clock } = options;
  let attempt = 0;
  let stopped = false;
  /** ends the current socket, if there is one; what it still says is ignored */
  let drop: (code: number, why: string) => boolean = () => false;
  let cancelRetry: () => void = () => undefined;

  const retry = (why: string) => {
    const delay = backoffDelay(attempt++, clock.random());
    options.lost(why, delay);
    cancelRetry = clock.after(delay, open);
  };

  const ended = async (code: number, reason: string, wasOpen: boolean) => {
    const why = reason === '' ? `closed with ${code}` : `${reason} (${code})`;
    if (!mayRetry(code)) return options.refused(why, code);
    const refusal = wasOpen ? null : await options.refusal(options.path);
    if (stopped) return;
    if (refusal === null) retry(wasOpen ? why : 'no connection');
    else options.refused(refusal, null);
  };

  function open(): void {
    let live = true;
    let isOpen = false;
    let cancelTimer = clock.after(DIAL_WITHIN, () => lose('no answer to the dial'));
    const finish = () => {
      live = false;
      cancelTimer();
    };
    const lose = (why: string) => {
      if (!live) return;
      finish();
      socket.close(NORMAL, '');
      retry(why);
    };
    const ping = () => {
      socket.send('ping');
      cancelTimer = clock.after(PONG_WITHIN, () => lose('no answer to a ping'));
    };
    const socket = options.dial(options.path, {
      opened() {
        if (!live) return;
        isOpen = true;
        cancelTimer();
        cancelTimer = clock.after(PING_EVERY, ping);
        options.opened(socket);
      },
      text(message) {
        if (!live) return;
        if (message !== 'pong') return options.text(message);
        cancelTimer();
        cancelTimer = clock.after(PING_EVERY, ping);
      },
      binary(message) {
        if (live) options.binary(message);
      },
      closed(code, reason) {
        if (!live) return;
        finish();
        void ended(code, reason, isOpen);
      },
    });
    drop = (code, why) => {
      if (!live) return false;
      finish();
      socket.close(code, why);
      return true;
    };
  }

  open();
  return {
    settled: () => {
      attempt = 0;
    },
    redial(code, why) {
      if (drop(code, why)) retry(why);
    },
    stop() {
      stopped = true;
      cancelRetry();
      drop(NORMAL, '');
    },
  };
}
