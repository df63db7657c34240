import { MAX_MESSAGE, decodeFrame, encodeFrame, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { AppError } from '@gatehouse/core/errors.ts';

/**
 * The pipe between the runner and the helper inside a sandbox carries the frames of the workspace connection,
 * each behind its length (4 bytes, big-endian): one grammar on the whole way.
 */

const LENGTH_BYTES = 4;
const NOTHING = new Uint8Array(0);

export interface ChannelFrame {
  type: FrameType;
  stream: number;
  offset?: number;
  payload?: Uint8Array;
}

export function encodeChannelFrame({ type, stream, offset = 0, payload = NOTHING }: ChannelFrame): Uint8Array {
  const frame = encodeFrame({ type, stream, offset, payload, viewer: 0, sealed: false });
  const message = new Uint8Array(LENGTH_BYTES + frame.byteLength);
  new DataView(message.buffer).setUint32(0, frame.byteLength);
  message.set(frame, LENGTH_BYTES);
  return message;
}

/** Cuts what arrives in pieces into frames. Keeps at most one unfinished frame. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws AppError when the other side breaks the grammar */
  push(piece: Uint8Array): Frame[] {
    let rest = this.#rest.byteLength === 0 ? Buffer.from(piece) : Buffer.concat([this.#rest, piece]);
    const frames: Frame[] = [];
    while (rest.byteLength >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(0);
      if (length > MAX_MESSAGE) throw new AppError('too-large', 'The other side of the pipe sends too much at once');
      if (rest.byteLength < LENGTH_BYTES + length) break;
      frames.push(decodeFrame(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
      rest = rest.subarray(LENGTH_BYTES + length);
    }
    this.#rest = rest;
    return frames;
  }
}
