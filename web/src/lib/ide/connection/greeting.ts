import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { ViewerHello } from '@gatehouse/core/protocol/connection.ts';
import type { SessionKeys } from '@gatehouse/core/protocol/noise-nk.ts';
import { prologueOf, startHandshake, type Initiator } from '@gatehouse/core/protocol/noise.ts';
import { agreementKeyOf } from '@gatehouse/core/protocol/runner-keys.ts';
import { signViewerProof } from '@gatehouse/core/protocol/viewer-proof.ts';
import type { ProofKey } from './ports.ts';

/** Who greets, and whom. */
export interface Introduction {
  workspaceId: string;
  attachment: Attachment;
  clientId: string;
  key: ProofKey;
}

/** This browser's part of the greeting: the handshake (SPEC E), then the proof of who it is (SPEC O4). */
export class Greeting {
  readonly #introduction: Introduction;
  #initiator: Initiator | null = null;

  constructor(introduction: Introduction) {
    this.#introduction = introduction;
  }

  /** @param viewer the number of the broker's welcome. @returns the first message of the handshake @throws HandshakeFailed */
  async begin(viewer: number): Promise<Uint8Array> {
    const { workspaceId, attachment } = this.#introduction;
    const prologue = prologueOf(workspaceId, viewer);
    this.#initiator = await startHandshake({ prologue, responderKey: agreementKeyOf(attachment.runner) });
    return this.#initiator.message;
  }

  /** @returns the keys of this connection, and what to say first under them @throws HandshakeFailed */
  async finish(reply: Uint8Array): Promise<{ keys: SessionKeys; hello: ViewerHello }> {
    if (this.#initiator === null) throw new Error('The reply came before the message');
    const keys = await this.#initiator.finish(reply);
    const { attachment, clientId, key } = this.#introduction;
    const signature = await signViewerProof(key.privateKey, keys.hash);
    return { keys, hello: { grant: attachment.grant, clientId, key: key.publicKey, signature } };
  }
}
