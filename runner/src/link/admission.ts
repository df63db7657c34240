import { viewerHello, type ViewerGrant } from '@gatehouse/core/protocol/connection.ts';
import { decodeJson, encodeFrame, type Frame } from '@gatehouse/core/protocol/frame.ts';
import type { SessionKeys } from '@gatehouse/core/protocol/noise-nk.ts';
import { answerHandshake, prologueOf } from '@gatehouse/core/protocol/noise.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { thumbprint, verifyViewerProof } from '@gatehouse/core/protocol/viewer-proof.ts';
import type { Socket } from '../connection/socket.ts';
import { messageOf } from '../failure.ts';
import type { AgreementKey } from '../state/keys.ts';
import { Channel } from './channel.ts';
import type { GrantChecker } from './grant.ts';

/** A viewer that has shown who it is. */
export interface Admitted {
  grant: ViewerGrant;
  /** names the tab and the browser's key together: another key can't speak for it (SPEC T1) */
  clientId: string;
  channel: Channel;
}

export interface AdmissionContext {
  workspaceId: string;
  agreementKey: AgreementKey;
  grants: Pick<GrantChecker, 'check'>;
}

export interface AdmissionEvents {
  admitted(viewer: Admitted): void;
  refused(reason: string): void;
  /** what the viewer sends once it is admitted */
  received(frame: PlainFrame): void;
}

type Stage = 'handshake' | 'answering' | 'hello' | 'checking' | 'admitted' | 'over';

/** SPEC O4, E: the way of one viewer in. Each step comes once and in its order; anything else is refused. */
export class Admission {
  readonly #viewer: number;
  readonly #context: AdmissionContext;
  readonly #socket: Socket;
  readonly #events: AdmissionEvents;
  #stage: Stage = 'handshake';
  #channel: Channel | null = null;
  #keys: SessionKeys | null = null;

  constructor(viewer: number, context: AdmissionContext, socket: Socket, events: AdmissionEvents) {
    this.#viewer = viewer;
    this.#context = context;
    this.#socket = socket;
    this.#events = events;
  }

  /** Never throws and never rejects: what is wrong costs the viewer. */
  receive(frame: Frame): void {
    if (this.#stage === 'over') return;
    if (this.#channel !== null) return this.#channel.open(frame);
    if (this.#stage !== 'handshake' || frame.type !== 'handshake' || frame.sealed || frame.stream !== 0) {
      return this.#refuse('A handshake comes first, once');
    }
    this.#stage = 'answering';
    this.#answer(frame.payload).catch(() => this.#refuse('The handshake failed'));
  }

  /** The viewer has gone: whatever is under way comes to nothing. */
  leave(): void {
    this.#stage = 'over';
  }

  async #answer(message: Uint8Array): Promise<void> {
    const { workspaceId, agreementKey } = this.#context;
    const prologue = prologueOf(workspaceId, this.#viewer);
    const { reply, keys } = await answerHandshake({ prologue, staticKey: await agreementKey(), message: Uint8Array.from(message) });
    if (this.#is('over')) return;
    this.#keys = keys;
    this.#channel = new Channel(this.#viewer, keys, this.#socket, {
      received: (frame) => this.#opened(frame),
      broken: () => this.#refuse('A frame was changed, lost or repeated on its way'),
    });
    this.#stage = 'hello';
    this.#socket.send(encodeFrame({ type: 'handshake', sealed: false, viewer: this.#viewer, stream: 0, offset: 0, payload: reply }));
  }

  #opened(frame: PlainFrame): void {
    if (this.#stage === 'admitted') return this.#events.received(frame);
    if (this.#stage !== 'hello' || frame.type !== 'hello' || frame.stream !== 0) return this.#refuse('One hello, before anything else');
    this.#stage = 'checking';
    this.#check(frame.payload).catch((error: unknown) => this.#refuse(messageOf(error)));
  }

  async #check(payload: Uint8Array): Promise<void> {
    const [keys, channel] = [this.#keys, this.#channel];
    if (keys === null || channel === null) return;
    const { grant: token, clientId, key, signature } = viewerHello.parse(decodeJson(payload));
    const [name, proved] = await Promise.all([thumbprint(key), verifyViewerProof(key, keys.hash, signature)]);
    if (!proved) return this.#refuse('The browser’s key did not sign this handshake');
    const grant = await this.#context.grants.check(token, this.#context.workspaceId, name);
    if (this.#is('over')) return;
    this.#stage = 'admitted';
    this.#events.admitted({ grant, clientId: `${name}.${clientId}`, channel });
  }

  /** A look at what may have changed while something was awaited. */
  #is(stage: Stage): boolean {
    return this.#stage === stage;
  }

  #refuse(reason: string): void {
    if (this.#stage === 'over') return;
    this.#stage = 'over';
    this.#events.refused(reason);
  }
}
