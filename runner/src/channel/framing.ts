import type { Writable } from 'node:stream';
import { HEADER_BYTES, MAX_MESSAGE, decodeFrame, encodeFrame, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { AppError } from '@gatehouse/core/errors.ts';

/**
 * The socket between the runner and the helper inside a sandbox carries the frames of the workspace connection,
 * each behind its length (4 bytes, big-endian): one grammar on the whole way.
 */

const LENGTH_BYTES = 4;
/** a payload below this is copied behind its header, a larger one is handed to the system as it is */
const COPIED = 1024;
const NOTHING = new Uint8Array(0);

export interface ChannelFrame {
  type: FrameType;
  stream: number;
  offset?: number;
  payload?: Uint8Array;
}

/** Writes a frame. Its payload belongs to the socket from then on. */
export function writeFrame(output: Writable, { type, stream, offset = 0, payload = NOTHING }: ChannelFrame): void {
  const inOne = payload.byteLength < COPIED;
  const frame = encodeFrame({ type, stream, offset, payload: inOne ? payload : NOTHING, viewer: 0, sealed: false });
  const message = new Uint8Array(LENGTH_BYTES + frame.byteLength);
  new DataView(message.buffer).setUint32(0, HEADER_BYTES + payload.byteLength);
  message.set(frame, LENGTH_BYTES);
  if (inOne) return void output.write(message);
  output.cork();
  output.write(message);
  output.write(payload);
  output.uncork();
}

/** Cuts what arrives in pieces into frames. Keeps at most one unfinished frame; only such a one is copied. */
export class FrameReader {
  readonly #length = new Uint8Array(LENGTH_BYTES);
  /** bytes of the next length that are there, while `#frame` is null */
  #known = 0;
  #frame: Uint8Array | null = null;
  #filled = 0;

  /** @throws AppError when the other side breaks the grammar */
  push(piece: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < piece.byteLength;) {
      const whole = this.#wholeAt(piece, at);
      if (whole !== null) {
        frames.push(decodeFrame(whole));
        at += LENGTH_BYTES + whole.byteLength;
        continue;
      }
      at += this.#frame === null ? this.#takeLength(piece, at) : this.#fill(this.#frame, piece, at);
      if (this.#frame === null || this.#filled < this.#frame.byteLength) continue;
      frames.push(decodeFrame(this.#frame));
      this.#frame = null;
    }
    return frames;
  }

  /** The frame that begins at `at` and ends within the piece: a view, not a copy. */
  #wholeAt(piece: Uint8Array, at: number): Uint8Array | null {
    if (this.#frame !== null || this.#known > 0 || piece.byteLength - at < LENGTH_BYTES) return null;
    const from = at + LENGTH_BYTES;
    const length = lengthOf(piece.subarray(at, from));
    return piece.byteLength - from < length ? null : piece.subarray(from, from + length);
  }

  #takeLength(piece: Uint8Array, at: number): number {
    const part = piece.subarray(at, at + LENGTH_BYTES - this.#known);
    this.#length.set(part, this.#known);
    this.#known += part.byteLength;
    if (this.#known === LENGTH_BYTES) {
      this.#frame = new Uint8Array(lengthOf(this.#length));
      this.#filled = 0;
      this.#known = 0;
    }
    return part.byteLength;
  }

  #fill(frame: Uint8Array, piece: Uint8Array, at: number): number {
    const part = piece.subarray(at, at + frame.byteLength - this.#filled);
    frame.set(part, this.#filled);
    this.#filled += part.byteLength;
    return part.byteLength;
  }
}

function lengthOf(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getUint32(0);
  if (length > MAX_MESSAGE) throw new AppError('too-large', 'The other side of the channel sends too much at once');
  if (length < HEADER_BYTES) throw new AppError('invalid', 'The other side of the channel sends no frames');
  return length;
}
