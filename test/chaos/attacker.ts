import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { FrameType } from '@gatehouse/core/protocol/frame.ts';
import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { ApiProblem } from '../../web/src/lib/api/problem.ts';
import { Channel } from '../../web/src/lib/ide/connection/channel.ts';
import type { ProofKey } from '../../web/src/lib/ide/connection/ports.ts';
import { workspaceApi } from '../support/node-page.ts';
import { dialWorkspace, type Address } from '../support/node-socket.ts';

type Damage = ((message: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) | null;

/** A viewer that was let in and has the keys, and then sends what it likes. */
export class Attacker {
  readonly #socket: WebSocket;
  readonly #channel: Channel;
  /** newest stream that it opened */
  stream = 1;
  /** does something to a sealed message before it goes */
  #damage: Damage = null;

  private constructor(socket: WebSocket, makeChannel: (send: (message: Uint8Array<ArrayBuffer>) => void) => Channel) {
    this.#socket = socket;
    this.#channel = makeChannel((message) => this.#send(message));
    socket.on('message', (message: ArrayBuffer | Buffer) => {
      if (!Buffer.isBuffer(message)) this.#channel.receive(message);
    });
  }

  /** @returns null when it was not let in this time, as when too many came within a minute */
  static async admitted(address: Address, cookie: string, key: ProofKey): Promise<Attacker | null> {
    const attachment = await workspaceApi(address, () => cookie)
      .attach(key)
      .catch((error: unknown) => {
        if (error instanceof ApiProblem && error.code === 'rate-limited') return null;
        throw error;
      });
    if (attachment === null) return null;
    const socket = dialWorkspace(address, cookie, attachment.ticket);
    const greeted = Promise.withResolvers<true>();
    const introduction = { workspaceId: address.workspaceId, attachment, clientId: crypto.randomUUID(), key };
    const ignore = (): void => undefined;
    const events = { greeted: () => greeted.resolve(true), received: ignore, closing: ignore, broken: ignore };
    const attacker = new Attacker(socket, (send) => new Channel({ send, makeAead: webAead }, introduction, events));
    const closed = once(socket, 'close').then(() => false);
    return (await Promise.race([greeted.promise, closed])) ? attacker : null;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Seals it as an honest page would. @param damage what happens to it on its way */
  send(type: FrameType, stream: number, offset: number, payload: Uint8Array, damage: Damage = null): void {
    if (type === 'open' && stream === this.stream + 2) this.stream = stream;
    this.#damage ??= damage;
    this.#channel.send(type, stream, offset, payload);
  }

  text(message: string): void {
    this.#socket.send(message);
  }

  close(): void {
    this.#socket.terminate();
  }

  #send(message: Uint8Array<ArrayBuffer>): void {
    const damage = this.#damage;
    this.#damage = null;
    if (this.isOpen) this.#socket.send(damage?.(message) ?? message);
  }
}
