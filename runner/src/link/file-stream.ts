import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { encodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { z } from 'zod';
import type { HelperClient, HelperStream } from '../channel/helper-client.ts';
import { FILE_WINDOW, type HelperRequest } from '../channel/requests.ts';
import type { OutFrame, Source } from '@gatehouse/core/protocol/outbox.ts';
import { tooLarge } from './policy.ts';
import type { StreamPort, StreamService } from './stream.ts';

/** of what a viewer sends, in the memory of the runner while the helper writes it: its window, and what a reconnect repeats */
const MOST_UNTAKEN = 2 * LIMITS.window;

/** what takes content out of the workspace */
const READS: ReadonlySet<HelperRequest['method']> = new Set(['files.read', 'files.archive'] as const);
const anyMessage = z.looseObject({ kind: z.string() });
const headOfFile = z.object({ entry: z.object({ size: z.number() }) });

/** The most bytes either way, as the policy says; null or left out: it sets no bound. */
export interface Bounds {
  upload?: number | null;
  download?: number | null;
  /** why the viewer may send nothing now; null: it may */
  refusal?: () => string | null;
}

/**
 * Hands a request about files on to the helper in the sandbox, and what it answers back to the viewer. The helper
 * is paced by what could be sent, so that a slow viewer fills no memory here.
 */
export class FileStream implements StreamService, Source {
  readonly bulk = true;
  readonly #port: StreamPort;
  readonly #stream: HelperStream;
  readonly #bounds: { upload: number; download: number };
  readonly #refusal: () => string | null;
  #pieces: Uint8Array[] = [];
  #pending = 0;
  #sent = 0;
  #received = 0;
  #taken = 0;
  #answered = false;
  #over = false;
  #ended = false;

  constructor(port: StreamPort, helper: HelperClient, request: HelperRequest, bounds: Bounds = {}) {
    this.#port = port;
    this.#bounds = { upload: bounds.upload ?? Infinity, download: bounds.download ?? Infinity };
    this.#refusal = bounds.refusal ?? (() => null);
    this.#stream = helper.open(request, {
      head: (head) => {
        this.#answered = true;
        if (READS.has(request.method) && head.ok && !this.#mayDownload(head)) return;
        port.head(head);
        if (head.ok) port.provide(this, 0);
        else this.#ended = true;
      },
      data: (bytes) => this.#piece(bytes),
      message: (value) => port.send({ type: 'message', payload: encodeJson(anyMessage.parse(value)) }),
      ack: (offset) => {
        this.#taken = offset;
        port.send({ type: 'ack', offset });
      },
      fin: () => {
        this.#over = true;
        port.ready();
      },
      gone: () => this.#gone(),
    });
  }

  get pending(): number {
    return this.#pending;
  }

  next(room: number): OutFrame | null {
    const [piece] = this.#pieces;
    if (piece === undefined) return this.#over ? this.#last() : null;
    if (room === 0) return null;
    const payload = piece.subarray(0, room);
    if (payload.byteLength === piece.byteLength) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(room);
    const offset = this.#sent;
    this.#sent += payload.byteLength;
    this.#pending -= payload.byteLength;
    this.#stream.ack(this.#sent);
    return { type: 'data', offset, payload };
  }

  receive(frame: PlainFrame): void {
    if (frame.type === 'fin') return this.#stream.fin();
    if (frame.type !== 'data') return this.#port.reset('invalid', 'This service takes no messages');
    if (frame.offset !== this.#received) return this.#port.reset('invalid', 'Data with a gap or an overlap');
    const refusal = this.#refusal();
    if (refusal !== null) return this.#port.reset('refused', refusal);
    this.#received += frame.payload.byteLength;
    if (this.#received > this.#bounds.upload) return this.#port.reset('refused', tooLarge('upload', this.#bounds.upload).message);
    if (this.#received - this.#taken > MOST_UNTAKEN) return this.#port.reset('limit', 'More is sent than can be written');
    this.#stream.data(frame.payload);
  }

  cancel(): void {
    if (!this.#ended) this.#stream.reset();
    this.#ended = true;
    this.#pieces = [];
    this.#pending = 0;
  }

  /** Refuses a file that is too large before a byte of it goes. */
  #mayDownload(head: object): boolean {
    const { data } = headOfFile.safeParse(head);
    if (data !== undefined && data.entry.size <= this.#bounds.download) return true;
    this.#ended = true;
    this.#stream.reset();
    const { code, message } = tooLarge('download', this.#bounds.download);
    this.#port.head({ ok: false, code, message });
    return false;
  }

  #piece(bytes: Uint8Array): void {
    // Only a helper that was tampered with sends more than its window.
    if (this.#pending + bytes.byteLength > 2 * FILE_WINDOW) return this.#port.reset('internal', 'The sandbox sends too much');
    // It grows while it is read, or its helper lied about its size.
    if (this.#sent + this.#pending + bytes.byteLength > this.#bounds.download)
      return this.#port.reset('refused', tooLarge('download', this.#bounds.download).message);
    this.#pieces.push(Uint8Array.from(bytes));
    this.#pending += bytes.byteLength;
    this.#port.ready();
  }

  #gone(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#answered) this.#port.reset('internal', 'The sandbox has ended');
    else this.#port.head({ ok: false, code: 'internal', message: 'The sandbox has ended' });
  }

  #last(): OutFrame {
    this.#ended = true;
    this.#port.done();
    return { type: 'fin' };
  }
}
