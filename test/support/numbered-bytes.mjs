// Bytes that do not shrink and that tell where they belong: what is lost, doubled or moved gives another hash.

export const PIECE = 64 * 1024;

const noise = Buffer.alloc(PIECE);
for (let at = 0; at < PIECE; at += 4) noise.writeUInt32LE(Math.imul(at + 1, 2_654_435_761) >>> 0, at);

/** The piece that begins at that offset, a multiple of PIECE. @param {number} offset @returns {Buffer} */
export function pieceAt(offset) {
  const piece = Buffer.from(noise);
  piece.writeDoubleLE(offset, 0);
  return piece;
}
