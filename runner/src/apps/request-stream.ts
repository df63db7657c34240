import { MAX_PAYLOAD, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { TUNNEL, tunnelHead, type TunnelFailure, type TunnelHead, type TunnelOpen } from '@gatehouse/core/protocol/tunnel.ts';
import type { HelperClient, HelperHead, HelperStream } from '../channel/helper-client.ts';
import { appHead, FILE_WINDOW } from '../channel/requests.ts';
import type { TunnelPort, TunnelStream } from './tunnel-stream.ts';

const FAILURES: Partial<Record<string, TunnelFailure>> = { 'not-found': 'not-listening', refused: 'refused', limit: 'limit' };

/** What the helper answered, as the tunnel tells it. */
export function headOf(head: HelperHead): TunnelHead {
  if (head.ok === true) return tunnelHead.parse(appHead.parse(head));
  const { code, message } = head as { code: string; message: string };
  // A helper of a release before knows nothing of web apps.
  if (code === 'invalid' || code === 'internal') return { ok: false, code: 'broken', message };
  return { ok: false, code: FAILURES[code] ?? 'broken', message };
}

/** One request to a web app: between the tunnel and the helper in the sandbox, as fast as the slower of both ends. */
export class RequestStream implements TunnelStream {
  readonly #port: TunnelPort;
  readonly #stream: HelperStream;
  #pieces: Uint8Array[] = [];
  #pending = 0;
  #passed = 0;
  #received = 0;
  #taken = 0;
  #over = false;
  #ended = false;

  constructor(port: TunnelPort, helper: HelperClient, open: Extract<TunnelOpen, { kind: 'request' }>) {
    this.#port = port;
    const { method: verb, path, headers, body } = open;
    this.#stream = helper.open(
      { method: 'app.request', port: open.port, verb, path, headers, body },
      {
        head: (head) => this.#head(head),
        data: (bytes) => this.#piece(bytes),
        message: () => this.#break('The app ended its answer before its time'),
        ack: (offset) => {
          this.#taken = offset;
          if (!this.#ended) port.ack(offset);
        },
        fin: () => {
          this.#over = true;
          this.wake();
        },
        gone: () => this.#gone(),
      },
    );
  }

  data({ offset, payload }: Frame): void {
    if (offset !== this.#received) throw new Error('data with a gap or an overlap');
    this.#received += payload.byteLength;
    // SPEC A5
    if (this.#received - this.#taken > TUNNEL.credit.most) throw new Error('more than the credit allows');
    this.#stream.data(payload);
  }

  fin(): void {
    this.#stream.fin();
  }

  wake(): void {
    for (;;) {
      const [piece] = this.#pieces;
      if (piece === undefined) break;
      const room = Math.min(MAX_PAYLOAD, this.#port.room());
      if (room === 0) return;
      const part = piece.subarray(0, room);
      if (part.byteLength === piece.byteLength) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(room);
      this.#port.data(part);
      this.#pending -= part.byteLength;
      this.#passed += part.byteLength;
      this.#stream.ack(this.#passed);
    }
    if (!this.#over || this.#ended) return;
    this.#ended = true;
    this.#port.fin();
  }

  cancel(): void {
    if (!this.#ended) this.#stream.reset();
    this.#ended = true;
    this.#pieces = [];
  }

  #head(head: HelperHead): void {
    if (this.#ended) return;
    const said = headOf(head);
    this.#ended = !said.ok;
    this.#port.head(said);
  }

  #piece(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#pending += bytes.byteLength;
    // Only a helper that was tampered with sends more than its window.
    if (this.#pending > 2 * FILE_WINDOW) return this.#break('The sandbox sends too much');
    this.#pieces.push(Uint8Array.from(bytes));
    this.wake();
  }

  #break(why: string): void {
    if (this.#ended) return;
    this.cancel();
    this.#port.reset(why);
  }

  #gone(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#port.reset('The sandbox has ended');
  }
}
