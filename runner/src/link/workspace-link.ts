import { challengeText, toRunnerLink, viewerHello, type FromRunnerLink, type RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import type { Clock } from '../connection/clock.ts';
import { keepConnected, type Connection } from '../connection/keep-connected.ts';
import type { Dial, Refusal, Socket } from '../connection/socket.ts';
import { messageOf } from '../failure.ts';
import type { Log } from '../log.ts';
import type { GrantChecker } from './grant.ts';
import type { Services } from './services.ts';
import { Viewer } from './viewer.ts';

export const linkPath = (workspaceId: string): string => `/api/v1/runner/workspaces/${workspaceId}/link`;

/** What every link of this runner needs. */
export interface LinkContext {
  dial: Dial;
  refusal: Refusal;
  clock: Clock;
  log: Log;
  grants: Pick<GrantChecker, 'check'>;
  sign(text: string): string;
}

export interface LinkEvents {
  ready(): void;
  /** dialling again can't help; `code` of the close, null when refused at the door */
  refused(why: string, code: number | null): void;
}

/** The data socket of one running workspace: many viewers, each with its streams. */
export class WorkspaceLink {
  readonly #context: LinkContext;
  readonly #hello: RunnerHello;
  readonly #services: Services;
  readonly #events: LinkEvents;
  readonly #connection: Connection;
  readonly #viewers = new Map<number, Viewer>();
  /** viewers whose grant is just being checked */
  readonly #checking = new Map<number, symbol>();
  #socket: Socket | null = null;

  constructor(context: LinkContext, hello: RunnerHello, services: Services, events: LinkEvents) {
    this.#context = context;
    this.#hello = hello;
    this.#services = services;
    this.#events = events;
    this.#connection = keepConnected({
      path: linkPath(hello.workspaceId),
      dial: context.dial,
      refusal: context.refusal,
      clock: context.clock,
      opened: (socket) => {
        this.#forgetViewers();
        this.#socket = socket;
      },
      text: () => this.#connection.redial(CLOSE_CODES.protocol.code, 'text on a workspace link'),
      binary: (message) => this.#receive(message),
      lost: (why, retryIn) => {
        this.#forgetViewers();
        context.log.warn(`Link of ${hello.workspaceId} lost: ${why}; dialling again in ${Math.round(retryIn / 1000)} s`);
      },
      refused: (why, code) => {
        this.#forgetViewers();
        events.refused(why, code);
      },
    });
  }

  stop(): void {
    this.#connection.stop();
    this.#forgetViewers();
  }

  #receive(message: Uint8Array): void {
    try {
      const frame = decodeFrame(message);
      if (frame.type === 'control') this.#control(frame);
      else if (frame.type === 'hello') void this.#admit(frame);
      // SPEC O4: all else of a viewer is dropped until it is admitted.
      else this.#viewers.get(frame.viewer)?.receive(frame);
    } catch (error) {
      this.#connection.redial(CLOSE_CODES.protocol.code, messageOf(error).slice(0, 100));
    }
  }

  #control(frame: Frame): void {
    const control = toRunnerLink.parse(decodeJson(frame.payload));
    if (control.kind === 'challenge') {
      this.#tellBroker({ kind: 'proof', signature: this.#context.sign(challengeText(control.nonce, linkPath(this.#hello.workspaceId))) });
    } else if (control.kind === 'ready') {
      this.#connection.settled();
      this.#events.ready();
    } else if (control.kind === 'left') this.#drop(control.viewer);
  }

  async #admit(frame: Frame): Promise<void> {
    const { viewer, stream } = frame;
    const socket = this.#socket;
    if (socket === null) return;
    if (stream !== 0 || frame.sealed || this.#checking.has(viewer) || this.#viewers.has(viewer)) {
      return this.#refuse(viewer, 'One hello, on stream 0, in clear');
    }
    const check = Symbol('check');
    this.#checking.set(viewer, check);
    try {
      const { grant } = viewerHello.parse(decodeJson(frame.payload));
      const { sub } = await this.#context.grants.check(grant, this.#hello.workspaceId);
      // It may have left, or the link been cut, while the signature was checked.
      if (this.#checking.get(viewer) !== check) return;
      this.#checking.delete(viewer);
      const admitted = new Viewer(viewer, socket, this.#services, this.#context.clock, (reason) => this.#refuse(viewer, reason));
      this.#viewers.set(viewer, admitted);
      admitted.hello(this.#hello);
      this.#context.log.info(`${sub} is connected to ${this.#hello.workspaceId}`);
    } catch (error) {
      if (this.#checking.get(viewer) === check) this.#refuse(viewer, messageOf(error));
    }
  }

  #refuse(viewer: number, reason: string): void {
    this.#drop(viewer);
    this.#context.log.warn(`A viewer of ${this.#hello.workspaceId} is refused: ${reason}`);
    this.#tellBroker({ kind: 'refuse', viewer, reason: reason.slice(0, 120) });
  }

  #tellBroker(control: FromRunnerLink): void {
    this.#socket?.send(encodeFrame({ type: 'control', sealed: false, viewer: 0, stream: 0, offset: 0, payload: encodeJson(control) }));
  }

  #drop(viewer: number): void {
    this.#checking.delete(viewer);
    this.#viewers.get(viewer)?.leave();
    this.#viewers.delete(viewer);
  }

  #forgetViewers(): void {
    this.#socket = null;
    this.#checking.clear();
    for (const viewer of this.#viewers.values()) viewer.leave();
    this.#viewers.clear();
  }
}
