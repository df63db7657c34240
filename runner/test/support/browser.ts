import { randomBytes } from 'node:crypto';
import { decodeJson, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { browserKey } from '@gatehouse/core/protocol/connection.ts';
import { prologueOf, startHandshake } from '@gatehouse/core/protocol/noise.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { signViewerProof, thumbprint } from '@gatehouse/core/protocol/viewer-proof.ts';
import { nodeAead } from '../../src/link/node-aead.ts';
import type { Broker } from './broker.ts';
import { Heard } from './heard.ts';

const NOTHING = new Uint8Array(0);

/** The key of one browser, and the id of one tab in it. */
export async function makeTab() {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])) as CryptoKeyPair;
  const jwk = browserKey.parse(await crypto.subtle.exportKey('jwk', pair.publicKey));
  return { key: pair.privateKey, jwk, jkt: await thumbprint(jwk), clientId: randomBytes(12).toString('base64url') };
}
export type Tab = Awaited<ReturnType<typeof makeTab>>;

export interface Knock {
  workspaceId: string;
  /** raw, in base64url */
  agreementKey: string;
  tab: Tab;
  grant: string;
}

/** A browser's end of one viewer (SPEC O4, E): shakes hands, and seals what it says. */
export class Browser {
  readonly viewer: number;
  /** what the runner said, opened */
  readonly frames = new Heard<PlainFrame>();
  readonly #sealer: Sealer;
  readonly #messages: Uint8Array<ArrayBuffer>[] = [];
  readonly #broker: Broker;
  readonly hash: Uint8Array;

  private constructor(broker: Broker, viewer: number, keys: { send: Uint8Array; receive: Uint8Array; hash: Uint8Array }) {
    this.#broker = broker;
    this.viewer = viewer;
    this.hash = keys.hash;
    const broken = () => {
      throw new Error('A frame of the runner does not open');
    };
    this.#sealer = new Sealer(Uint8Array.from(keys.send), nodeAead, (message) => this.#messages.push(message), broken);
    const opener = new Opener(Uint8Array.from(keys.receive), nodeAead, (frame) => this.frames.push(frame), broken);
    broker.each((frame) => {
      if (frame.viewer === viewer && frame.type !== 'handshake') opener.open(frame);
    });
  }

  /** As far as the handshake: nobody has been shown yet. */
  static async greet(broker: Broker, viewer: number, { workspaceId, agreementKey }: Omit<Knock, 'tab' | 'grant'>): Promise<Browser> {
    const responderKey = Buffer.from(agreementKey, 'base64url');
    const { message, finish } = await startHandshake({ prologue: prologueOf(workspaceId, viewer), responderKey });
    broker.frame('handshake', viewer, 0, { payload: message });
    const reply = await broker.frames.wait((frame: Frame) => frame.type === 'handshake' && frame.viewer === viewer);
    return new Browser(broker, viewer, await finish(reply.payload));
  }

  /** Shows the grant and the proof. */
  async hello({ tab, grant }: Pick<Knock, 'tab' | 'grant'>, hash = this.hash): Promise<void> {
    const signature = await signViewerProof(tab.key, hash);
    this.frame('hello', 0, { payload: encodeJson({ grant, clientId: tab.clientId, key: tab.jwk, signature }) });
  }

  /** The whole way in. */
  static async join(broker: Broker, viewer: number, knock: Knock): Promise<Browser> {
    const browser = await Browser.greet(broker, viewer, knock);
    await browser.hello(knock);
    await browser.frames.wait(({ type }) => type === 'hello');
    return browser;
  }

  /** Sends one sealed frame. */
  frame(type: FrameType, stream: number, rest: { offset?: number; payload?: Uint8Array } = {}): void {
    this.#broker.raw(this.sealed(type, stream, rest));
  }

  /** A sealed frame that is not sent yet. */
  sealed(type: FrameType, stream: number, { offset = 0, payload = NOTHING }: { offset?: number; payload?: Uint8Array } = {}) {
    this.#sealer.seal({ type, viewer: this.viewer, stream, offset, payload });
    const message = this.#messages.shift();
    if (message === undefined) throw new Error('Not sealed at once');
    return message;
  }

  /** Messages about the connection itself: presence. */
  get told(): Record<string, unknown>[] {
    return this.frames.all
      .filter(({ type, stream }) => type === 'message' && stream === 0)
      .map(({ payload }) => decodeJson(payload) as Record<string, unknown>);
  }
}
