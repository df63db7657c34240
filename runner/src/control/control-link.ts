import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { challengeText } from '@gatehouse/core/protocol/connection.ts';
import {
  toRunner,
  type FromRunner,
  type Happening,
  type ToRunner,
  type WorkspaceOrder,
  type WorkspaceReport,
} from '@gatehouse/core/protocol/runner-control.ts';
import type { Clock } from '../connection/clock.ts';
import { keepConnected, type Connection } from '../connection/keep-connected.ts';
import type { Dial, Refusal, Socket } from '../connection/socket.ts';
import type { Reads } from '../link/reads.ts';
import type { Log } from '../log.ts';
import type { LogSender } from './log-sender.ts';
import type { ReportJournal } from './report-journal.ts';
import type { UsageTeller } from './usage.ts';

export const CONTROL_PATH = '/api/v1/runner/control';
const LOAD_EVERY = 30_000;

export type Facts = Omit<Extract<FromRunner, { kind: 'proof' }>, 'kind' | 'signature'>;

export interface ControlOptions {
  dial: Dial;
  refusal: Refusal;
  clock: Clock;
  log: Log;
  journal: ReportJournal;
  logs: LogSender;
  reads: Reads;
  sign(text: string): string;
  /** what the runner says of itself at each connection */
  facts(): Facts;
  load(): FromRunner;
  usage: UsageTeller;
  /** a line for all terminals of a workspace */
  notice(workspaceId: string, text: string): void;
  /** all that the tenant wants of this runner */
  wanted(orders: WorkspaceOrder[]): void;
  order(order: WorkspaceOrder): void;
  /** the runner can't go on: removed, or refused for good */
  over(why: string, removed: boolean): void;
}

/** The control socket: who this runner is, what the tenant wants, and what became of it. */
export class ControlLink {
  readonly #options: ControlOptions;
  readonly #connection: Connection;
  #socket: Socket | null = null;
  #ready = false;
  #cancelLoad: () => void = () => undefined;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#connection = keepConnected({
      path: CONTROL_PATH,
      dial: options.dial,
      refusal: options.refusal,
      clock: options.clock,
      opened: (socket) => {
        this.#offline();
        this.#socket = socket;
      },
      text: (message) => this.#receive(message),
      binary: () => this.#connection.redial(CLOSE_CODES.protocol.code, 'binary on the control link'),
      lost: (why, retryIn) => {
        this.#offline();
        options.log.warn(`Not connected: ${why}; dialling again in ${(retryIn / 1000).toFixed(1)} s`);
      },
      refused: (why) => {
        this.#offline();
        options.over(`The platform does not let this runner in: ${why}`, false);
      },
    });
  }

  report(body: WorkspaceReport): void {
    const report = this.#options.journal.add(body);
    if (this.#ready) this.#send(report);
  }

  /** @returns false when too much waits already */
  happened(body: Happening): boolean {
    const report = this.#options.journal.addHappening(body);
    if (report !== null && this.#ready) this.#send(report);
    return report !== null;
  }

  stop(): void {
    this.#offline();
    this.#connection.stop();
  }

  #send(message: FromRunner): void {
    this.#options.log.debug('The platform is told something', { kind: message.kind });
    this.#socket?.send(JSON.stringify(message));
  }

  #receive(text: string): void {
    let message: ToRunner;
    try {
      message = toRunner.parse(JSON.parse(text));
    } catch {
      return this.#connection.redial(CLOSE_CODES.protocol.code, 'a message that this runner does not know');
    }
    const { journal, logs, log } = this.#options;
    log.debug('The platform said something', { kind: message.kind });
    switch (message.kind) {
      case 'challenge':
        return this.#send({
          kind: 'proof',
          signature: this.#options.sign(challengeText(message.nonce, CONTROL_PATH)),
          ...this.#options.facts(),
        });
      case 'ready':
        return this.#begin(message);
      case 'order':
        return this.#options.order(message.order);
      case 'stored':
        return journal.stored(message.report);
      case 'logged':
        return logs.logged(message.workspaceId, message.generation, message.offset);
      case 'read-stored':
        return this.#options.reads.stored(message.connectionIds);
      case 'watch':
        return this.#options.usage.watch();
      case 'notice':
        return this.#options.notice(message.workspaceId, message.text);
      case 'removed':
        this.stop();
        return this.#options.over(
          'An administrator removed this runner. Its files are kept; enrol again with --force to use this machine.',
          true,
        );
    }
  }

  #begin({ confirmed, orders, hears = [] }: Extract<ToRunner, { kind: 'ready' }>): void {
    const { log, journal, logs } = this.#options;
    this.#connection.settled();
    this.#ready = true;
    if (!confirmed) log.warn('Connected, and waiting: an administrator must confirm the fingerprint on the Runners page');
    else log.info(`Connected; ${orders.length} workspaces are wanted here`);
    for (const report of journal.pending) this.#send(report);
    if (confirmed) this.#options.wanted(orders);
    logs.online((message) => this.#send(message));
    if (hears.includes('read')) this.#options.reads.online((reports) => this.#send({ kind: 'read', reports }));
    this.#tellLoad();
    this.#options.usage.online((message) => this.#send(message), hears);
  }

  #tellLoad(): void {
    this.#cancelLoad();
    this.#send(this.#options.load());
    this.#options.reads.tell();
    this.#cancelLoad = this.#options.clock.after(LOAD_EVERY, () => this.#tellLoad());
  }

  #offline(): void {
    this.#ready = false;
    this.#socket = null;
    this.#cancelLoad();
    this.#options.logs.offline();
    this.#options.reads.offline();
    this.#options.usage.offline();
  }
}
