import { once } from 'node:events';
import { WebSocket } from 'ws';
import { challengeText, toRunnerLink } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl } from '@gatehouse/core/protocol/frame.ts';
import { loadConfig } from '../../runner/src/state/config.ts';
import { stateFolder } from '../../runner/src/state/folder.ts';
import { loadKeys } from '../../runner/src/state/keys.ts';

/** The link of a workspace, dialled with the keys of its runner by somebody who stole them. */
export class RogueLink {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @param folder of the runner's state @returns once it is proved */
  static async dial(origin: string, folder: string, workspaceId: string): Promise<RogueLink> {
    const [{ token }, keys] = [loadConfig(stateFolder(folder)), loadKeys(stateFolder(folder))];
    const path = `/api/v1/runner/workspaces/${workspaceId}/link`;
    const socket = new WebSocket(origin.replace('http', 'ws') + path, {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    socket.on('error', () => undefined);
    const ready = new Promise<void>((resolve) => {
      socket.on('message', (message: Buffer, isBinary: boolean) => {
        const frame = isBinary ? decodeFrame(message) : null;
        if (frame?.type !== 'control') return;
        const control = toRunnerLink.parse(decodeJson(frame.payload));
        if (control.kind === 'challenge') {
          socket.send(encodeControl({ kind: 'proof', signature: keys.sign(challengeText(control.nonce, path)) }));
        } else if (control.kind === 'mark') socket.send(encodeControl({ kind: 'echo', nonce: control.nonce }));
        else if (control.kind === 'ready') resolve();
      });
    });
    await Promise.race([ready, once(socket, 'close').then(([code]) => Promise.reject(new Error(`The link was closed with ${code}`)))]);
    return new RogueLink(socket);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(message: Uint8Array | string): void {
    if (this.isOpen) this.#socket.send(message);
  }

  close(): void {
    this.#socket.terminate();
  }
}
