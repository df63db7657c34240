import type { FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import type { BuildLog } from './build-log.ts';

interface Sending {
  log: BuildLog;
  /** bytes that the platform has stored */
  stored: number;
  /** first byte sent on this connection, and the one to be sent next */
  from: number;
  next: number;
}

type Send = (message: FromRunner) => void;

/** Sends build logs as they grow, and again from what is stored after each reconnect. */
export class LogSender {
  readonly #sendings = new Map<string, Sending>();
  #send: Send | null = null;

  /** The log of a workspace's newest start; an earlier one is not sent any more. */
  follow(workspaceId: string, log: BuildLog): void {
    this.#sendings.set(workspaceId, { log, stored: 0, from: 0, next: 0 });
    this.changed(workspaceId);
  }

  forget(workspaceId: string): void {
    this.#sendings.delete(workspaceId);
  }

  online(send: Send): void {
    this.#send = send;
    for (const [workspaceId, sending] of this.#sendings) {
      sending.from = sending.stored;
      sending.next = sending.stored;
      this.changed(workspaceId);
    }
  }

  offline(): void {
    this.#send = null;
  }

  changed(workspaceId: string): void {
    const sending = this.#sendings.get(workspaceId);
    if (sending === undefined || this.#send === null) return;
    const { log } = sending;
    while (sending.next < log.size) {
      const { text, bytes } = log.read(sending.next);
      if (bytes === 0) return;
      this.#send({ kind: 'log', workspaceId, generation: log.generation, offset: sending.next, text });
      sending.next += bytes;
    }
  }

  /** The platform tells what it has. Less than where this connection began means that it lost something. */
  logged(workspaceId: string, generation: number, offset: number): void {
    const sending = this.#sendings.get(workspaceId);
    if (sending === undefined || sending.log.generation !== generation || offset > sending.log.size) return;
    sending.stored = offset;
    if (offset < sending.from) {
      sending.from = offset;
      sending.next = offset;
    } else if (offset > sending.next) sending.next = offset;
    this.changed(workspaceId);
  }
}
