import type { Frame } from '@gatehouse/core/protocol/frame.ts';
import type { SessionKeys } from '@gatehouse/core/protocol/noise-nk.ts';
import type { OutFrame } from '@gatehouse/core/protocol/outbox.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import type { Socket } from '../connection/socket.ts';
import { nodeAead } from './node-aead.ts';

const NOTHING = new Uint8Array(0);

export interface ChannelEvents {
  received(frame: PlainFrame): void;
  /** SPEC E: a frame that does not open, or was never sealed; nothing more is received */
  broken(): void;
}

/** What a viewer and this runner say to each other under their own keys. The broker carries it and can't read it. */
export class Channel {
  readonly #sealer: Sealer;
  readonly #opener: Opener;
  readonly #viewer: number;
  readonly #socket: Socket;

  constructor(viewer: number, keys: SessionKeys, socket: Socket, events: ChannelEvents) {
    this.#viewer = viewer;
    this.#socket = socket;
    this.#sealer = new Sealer(keys.send, nodeAead, (message) => socket.send(message), events.broken);
    this.#opener = new Opener(keys.receive, nodeAead, events.received, events.broken);
  }

  /** bytes that the socket holds */
  get buffered(): number {
    return this.#socket.buffered;
  }

  send(stream: number, { type, offset = 0, payload = NOTHING }: OutFrame): void {
    this.#sealer.seal({ type, viewer: this.#viewer, stream, offset, payload });
  }

  /** A frame as it came over the socket. */
  open(frame: Frame): void {
    this.#opener.open(frame);
  }
}
