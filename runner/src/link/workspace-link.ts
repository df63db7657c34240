import {
  challengeText,
  LIMITS,
  toRunnerLink,
  type FromRunnerLink,
  type RunnerHello,
  type WorkspaceNotice,
} from '@gatehouse/core/protocol/connection.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { Crew } from '@gatehouse/core/protocol/crew.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import type { Clock } from '../connection/clock.ts';
import { keepConnected, type Connection } from '../connection/keep-connected.ts';
import type { Dial, Refusal, Socket } from '../connection/socket.ts';
import { messageOf } from '../failure.ts';
import type { Log } from '../log.ts';
import type { AgreementKey } from '../state/keys.ts';
import { Admission, type Admitted } from './admission.ts';
import type { GrantChecker } from './grant.ts';
import { Intake } from './intake.ts';
import type { Reads } from './reads.ts';
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
  agreement: AgreementKey;
  reads: Pick<Reads, 'begin' | 'app'>;
}

export interface LinkEvents {
  ready(): void;
  /** dialling again can't help; `code` of the close, null when refused at the door */
  refused(why: string, code: number | null): void;
}

/** What the link knows of one viewer number, until the broker says that it left. */
interface Place {
  admission: Admission;
  /** null before it is admitted, and once it is refused */
  viewer: Viewer | null;
}

/** The data socket of one running workspace: many viewers, each with its keys and streams. */
export class WorkspaceLink {
  readonly #context: LinkContext;
  readonly #hello: Omit<RunnerHello, 'viewer'>;
  readonly #services: Services;
  readonly #events: LinkEvents;
  readonly #connection: Connection;
  readonly #places = new Map<number, Place>();
  readonly #crew: Crew;
  /** of each person who was here, whatever became of their tabs */
  readonly #intakes = new Map<string, Intake>();
  #socket: Socket | null = null;

  constructor(context: LinkContext, hello: Omit<RunnerHello, 'viewer'>, services: Services, events: LinkEvents) {
    this.#context = context;
    this.#hello = hello;
    this.#services = services;
    this.#events = events;
    this.#crew = new Crew({
      changed: (presence) => {
        for (const viewer of this.#viewers()) viewer.tell('message', presence);
        services.terminals.reviewDrivers();
      },
      drives: (viewer) => this.#tellBroker({ kind: 'drives', viewer }),
    });
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

  /** Tells everybody who is here. */
  notice(text: string): void {
    const notice: WorkspaceNotice = { kind: 'notice', text: text.slice(0, 500) };
    for (const viewer of this.#viewers()) viewer.tell('message', notice);
  }

  #receive(message: Uint8Array): void {
    try {
      const frame = decodeFrame(message);
      if (frame.type === 'control') this.#control(frame);
      else this.#place(frame.viewer)?.admission.receive(frame);
    } catch (error) {
      this.#connection.redial(CLOSE_CODES.protocol.code, messageOf(error).slice(0, 100));
    }
  }

  #control(frame: Frame): void {
    const control = toRunnerLink.parse(decodeJson(frame.payload));
    switch (control.kind) {
      case 'challenge':
        return this.#tellBroker({
          kind: 'proof',
          signature: this.#context.sign(challengeText(control.nonce, linkPath(this.#hello.workspaceId))),
        });
      case 'ready':
        this.#connection.settled();
        return this.#events.ready();
      case 'joined':
        return;
      case 'left':
        return this.#drop(control.viewer);
      case 'mark':
        // SPEC K2
        return this.#tellBroker({ kind: 'echo', nonce: control.nonce });
    }
  }

  /** SPEC O4: whoever speaks for the first time begins its way in. */
  #place(viewer: number): Place | undefined {
    const known = this.#places.get(viewer);
    if (known !== undefined || this.#socket === null) return known;
    // SPEC K1: an honest broker speaks for no more, and never for nobody.
    if (viewer === 0 || this.#places.size >= LIMITS.viewers) throw new Error('a frame of a viewer that can’t be');
    const { grants, agreement } = this.#context;
    const { workspaceId } = this.#hello;
    const place: Place = {
      viewer: null,
      admission: new Admission(viewer, { workspaceId, agreementKey: agreement, grants }, this.#socket, {
        admitted: (admitted) => this.#admit(place, viewer, admitted),
        refused: (reason) => this.#refuse(viewer, reason),
        received: (frame) => this.#received(place, frame),
      }),
    };
    this.#places.set(viewer, place);
    return place;
  }

  #admit(place: Place, number: number, admitted: Admitted): void {
    const context = {
      services: this.#services,
      crew: this.#crew,
      clock: this.#context.clock,
      intake: this.#intakeOf(admitted.grant.sub),
      reading: this.#context.reads.begin(this.#hello.workspaceId, admitted.grant.jti),
      refuse: (why: string) => this.#refuse(number, why),
    };
    const viewer = new Viewer(number, admitted, context);
    place.viewer = viewer;
    viewer.tell('hello', { ...this.#hello, viewer: number });
    this.#crew.join(viewer.member);
    this.#favour(viewer);
    this.#tellBroker({ kind: 'admitted', viewer: number });
    this.#context.log.info(`${admitted.grant.sub} is connected to ${this.#hello.workspaceId}`, {
      user: admitted.grant.sub,
      connection: admitted.grant.jti,
    });
  }

  #intakeOf(userId: string): Intake {
    const intake = this.#intakes.get(userId) ?? new Intake(this.#context.clock);
    this.#intakes.set(userId, intake);
    return intake;
  }

  #received(place: Place, frame: PlainFrame): void {
    const { viewer } = place;
    if (viewer === null) return;
    if (frame.type === 'data' || frame.type === 'open') this.#favour(viewer);
    viewer.receive(frame);
  }

  /** SPEC W2: of those who may drive, the one that acted last has the whole window. */
  #favour(favourite: Viewer): void {
    if (!this.#crew.mayDrive(favourite.member.viewer)) return;
    for (const viewer of this.#viewers()) viewer.window = viewer === favourite ? LIMITS.window : LIMITS.passiveWindow;
  }

  /** What the viewer still says until the broker has closed it is dropped. */
  #refuse(viewer: number, reason: string): void {
    this.#end(viewer);
    this.#context.log.warn(`A viewer of ${this.#hello.workspaceId} is refused: ${reason}`, { viewer });
    this.#tellBroker({ kind: 'refuse', viewer, reason: reason.slice(0, 120) });
  }

  #tellBroker(control: FromRunnerLink): void {
    this.#socket?.send(encodeFrame({ type: 'control', sealed: false, viewer: 0, stream: 0, offset: 0, payload: encodeJson(control) }));
  }

  #viewers(): Viewer[] {
    return [...this.#places.values()].flatMap(({ viewer }) => viewer ?? []);
  }

  #drop(number: number): void {
    this.#end(number);
    this.#places.delete(number);
  }

  #end(number: number): void {
    const place = this.#places.get(number);
    if (place === undefined) return;
    place.admission.leave();
    place.viewer?.leave();
    place.viewer = null;
    this.#crew.leave(number);
  }

  #forgetViewers(): void {
    this.#socket = null;
    for (const number of [...this.#places.keys()]) this.#drop(number);
  }
}
