export const PIECE: number;
/** The piece that begins at that offset, a multiple of PIECE. */
export function pieceAt(offset: number): Buffer;
