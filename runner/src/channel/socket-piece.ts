import { MAX_PAYLOAD } from '@gatehouse/core/protocol/frame.ts';

/** Messages of a WebSocket go over the channel in pieces: a byte that tells what it is a piece of, then its bytes. */

const BINARY = 1;
const LAST = 2;

export interface SocketPiece {
  bytes: Uint8Array;
  binary: boolean;
  /** its message ends with it */
  last: boolean;
}

/** A message as pieces, ready to send. */
export function* piecesOf(message: Uint8Array, binary: boolean): Generator<Uint8Array<ArrayBuffer>> {
  const most = MAX_PAYLOAD - 1;
  for (let at = 0; at === 0 || at < message.byteLength; at += most) {
    const bytes = message.subarray(at, at + most);
    const piece = new Uint8Array(1 + bytes.byteLength);
    piece[0] = (binary ? BINARY : 0) | (at + most >= message.byteLength ? LAST : 0);
    piece.set(bytes, 1);
    yield piece;
  }
}

export function readPiece(piece: Uint8Array): SocketPiece {
  const flags = piece[0] ?? LAST;
  return { bytes: piece.subarray(1), binary: (flags & BINARY) !== 0, last: (flags & LAST) !== 0 };
}
