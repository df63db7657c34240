import { encodeControl, decodeFrame, decodeJson, encodeFrame, encodeJson, stampViewer } from '@gatehouse/core/protocol/frame.ts';
import { fromRunnerLink } from '@gatehouse/core/protocol/connection.ts';
import { prologueOf, startHandshake } from '@gatehouse/core/protocol/noise.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { signViewerProof } from '@gatehouse/core/protocol/viewer-proof.ts';
import { setImmediate } from 'node:timers/promises';
import type { SocketEvents } from '../../../../runner/src/connection/socket.ts';
import { nodeAead } from '../../../../runner/src/link/node-aead.ts';
import { Reads } from '../../../../runner/src/link/reads.ts';
import { WorkspaceLink } from '../../../../runner/src/link/workspace-link.ts';
import { Terminals } from '../../../../runner/src/terminals/terminals.ts';
import { silentLog } from '../../../../runner/test/support/mint.ts';
import { Chance } from '../../../support/chance.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import type { Place } from '../simulation/platform.ts';
import { noMemory } from '../simulation/runner.ts';
import { Sandbox } from '../simulation/sandbox.ts';
import { screensOf } from '../simulation/screens.ts';

type Message = Uint8Array<ArrayBuffer>;

/** The runner's link, over a socket in memory: what its broker says is what a test says. */
export class RunnerRig {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly place: Place;
  readonly link: WorkspaceLink;
  /** viewers that the runner refused */
  readonly refused = new Set<number>();
  refusals = 0;
  dials = 0;
  #events: SocketEvents | null = null;
  readonly #listeners = new Map<number, (message: Uint8Array) => void>();
  #viewers = 0;

  constructor(seed: number, place: Place) {
    this.chance = new Chance(seed);
    this.place = place;
    const { clock, chance } = this;
    const sandbox = new Sandbox({ clock, chance }, (why) => {
      throw new Error(why);
    });
    const [owner] = place.people;
    this.link = new WorkspaceLink(
      {
        dial: (_path, events) => this.#dial(events),
        refusal: async () => null,
        clock: { now: () => clock.now(), after: clock.after.bind(clock), random: chance.next },
        log: silentLog,
        // whoever comes is the owner, and may do everything
        grants: { check: async () => grantOf(owner.userId, place) },
        sign: place.keys.sign,
        agreement: place.keys.agreement,
        reads: new Reads(clock),
      },
      { workspaceId: place.workspaceId, generation: 1, root: '/home', sandbox: 'process' },
      {
        terminals: new Terminals(sandbox.helper, noMemory, screensOf({ clock, chance })),
        helper: sandbox.helper,
        policy: () => ({}),
        opens: () => null,
      },
      { ready: () => undefined, refused: () => undefined },
    );
  }

  /** A message of the broker's: the runner has dealt with it when this returns, but for what it awaits. */
  receive(message: Message): void {
    this.#events?.binary(message);
  }

  /** A viewer that knows all that an honest one does, and is admitted. */
  async join(): Promise<RigViewer> {
    do this.#viewers = (this.#viewers % 65_535) + 1;
    while (this.#listeners.has(this.#viewers));
    const number = this.#viewers;
    this.refused.delete(number);
    const viewer = new RigViewer(number, this);
    await viewer.join();
    return viewer;
  }

  leave({ number }: RigViewer): void {
    this.#listeners.delete(number);
    this.receive(encodeControl({ kind: 'left', viewer: number }));
  }

  listen(viewer: number, listener: (message: Uint8Array) => void): void {
    this.#listeners.set(viewer, listener);
  }

  /** Lets everything come to rest that is under way. */
  async rest(ms = 600): Promise<void> {
    for (let times = 0; times < 4; times++) {
      this.clock.pass(ms / 4);
      await setImmediate();
    }
  }

  #dial(events: SocketEvents) {
    this.dials += 1;
    this.#events = events;
    this.#listeners.clear();
    this.clock.after(1, () => events.opened());
    return { buffered: 0, send: (message: string | Message) => this.#sent(message), close: () => undefined };
  }

  #sent(message: string | Message): void {
    if (typeof message === 'string') return void this.clock.after(1, () => this.#events?.text('pong'));
    const frame = decodeFrame(message);
    if (frame.type !== 'control') return this.#listeners.get(frame.viewer)?.(message);
    const said = fromRunnerLink.parse(decodeJson(frame.payload));
    if (said.kind !== 'refuse') return;
    this.refused.add(said.viewer);
    this.refusals += 1;
  }
}

/** A viewer's end: it seals what a test says, and counts what comes. */
export class RigViewer {
  readonly number: number;
  readonly #rig: RunnerRig;
  #seal: ((frame: PlainFrame) => void) | null = null;
  #latest = -1;
  /** hears what the runner says */
  on: (frame: PlainFrame) => unknown = () => undefined;

  constructor(number: number, rig: RunnerRig) {
    this.number = number;
    this.#rig = rig;
  }

  async join(): Promise<void> {
    const { place } = this.#rig;
    const [owner] = place.people;
    const responderKey = Buffer.from(place.keys.agreementKey, 'base64url');
    const { message, finish } = await startHandshake({ prologue: prologueOf(place.workspaceId, this.number), responderKey });
    const reply = await new Promise<Uint8Array>((resolve) => {
      this.#rig.listen(this.number, resolve);
      this.#raw(encodeFrame({ type: 'handshake', sealed: false, viewer: this.number, stream: 0, offset: 0, payload: message }));
    });
    const keys = await finish(decodeFrame(reply).payload);
    const broken = () => {
      throw new Error('The runner sealed wrongly');
    };
    const opener = new Opener(keys.receive, nodeAead, (frame) => this.on(frame), broken);
    const sealer = new Sealer(keys.send, nodeAead, (sealed) => this.#raw(sealed), broken);
    this.#seal = (frame) => sealer.seal(frame);
    this.#rig.listen(this.number, (sealed) => opener.open(decodeFrame(sealed)));
    const signature = await signViewerProof(owner.key.privateKey, keys.hash);
    const admitted = new Promise<unknown>((resolve) => (this.on = resolve));
    this.say({
      ...{ type: 'hello', stream: 0, offset: 0 },
      payload: encodeJson({ grant: 'grant', clientId: `client-${this.number}`, key: owner.key.publicKey, signature }),
    });
    await admitted;
  }

  /** Sends a frame, sealed. */
  say(frame: Omit<PlainFrame, 'viewer'>): void {
    this.#seal?.({ ...frame, viewer: this.number });
  }

  /** a stream number that this viewer has not used */
  get fresh(): number {
    return (this.#latest += 2);
  }

  /** @returns whether the runner answers a request now */
  isServed(): boolean {
    const stream = this.fresh;
    let answered = false;
    this.on = (frame) => (answered ||= frame.stream === stream);
    this.say({ type: 'open', stream, offset: 0, payload: encodeJson({ method: 'pty.list' }) });
    this.on = () => undefined;
    return answered;
  }

  #raw(message: Message): void {
    stampViewer(message, this.number);
    this.#rig.receive(message);
  }
}

const grantOf = (userId: string, { runnerId, workspaceId }: Place) => ({
  ...{ iss: 'issuer', aud: runnerId, sub: userId, jti: 'grant', workspace: workspaceId, name: 'Ada', access: 'own' as const },
  ...{ cnf: { jkt: 'thumbprint' }, exp: 60, iat: 0 },
});
