import { createPublicKey, verify } from 'node:crypto';
import { challengeText, fromRunnerLink, type FromRunnerLink, type ToRunnerLink } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { Heard } from './heard.ts';

const NOTHING = new Uint8Array(0);

/** The broker's end of one workspace link, whatever carries its messages. */
export class Broker {
  readonly frames = new Heard<Frame>();
  readonly controls = new Heard<FromRunnerLink>();
  readonly #send: (message: Uint8Array<ArrayBuffer>) => void;
  readonly #listeners: ((frame: Frame) => void)[] = [];

  constructor(send: (message: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  receive(message: Uint8Array): void {
    const frame = decodeFrame(Uint8Array.from(message));
    if (frame.type === 'control') this.controls.push(fromRunnerLink.parse(decodeJson(frame.payload)));
    else {
      this.frames.push(frame);
      for (const listen of this.#listeners) listen(frame);
    }
  }

  /** Calls for each frame to come, at once and in order. */
  each(listen: (frame: Frame) => void): void {
    this.#listeners.push(listen);
  }

  control(control: ToRunnerLink): void {
    this.frame('control', 0, 0, { payload: encodeJson(control) });
  }

  frame(type: FrameType, viewer: number, stream: number, rest: Partial<Frame> = {}): void {
    this.#send(encodeFrame({ type, viewer, stream, offset: 0, sealed: false, payload: NOTHING, ...rest }));
  }

  raw(bytes: Uint8Array<ArrayBuffer>): void {
    this.#send(bytes);
  }
}

/** @param identityKey 32 bytes in base64url */
export function isProved(identityKey: string, signature: string, nonce: string, path: string): boolean {
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: identityKey } });
  return verify(null, Buffer.from(challengeText(nonce, path)), key, Buffer.from(signature, 'base64url'));
}
