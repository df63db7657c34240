import type { Block } from './blocks.ts';

/** What is drawn of a long list, from above: blocks, and the height of those between them that are not. */
export type Piece = { block: Block; index: number } | { key: string; height: number };

/** The part of the list that is seen, with what is drawn ahead of it, in pixels from its top. */
export interface View {
  top: number;
  bottom: number;
}

/** How high blocks are: what was drawn once is known, of the others it is guessed by the rows that were. */
export class Heights {
  readonly #known = new Map<number, { height: number; rows: number }>();
  #height = 0;
  #rows = 0;
  readonly #guess: number;

  /** @param guess height of a row before any was drawn */
  constructor(guess: number) {
    this.#guess = guess;
  }

  note({ key, count }: Block, height: number): void {
    const before = this.#known.get(key);
    this.#height += height - (before?.height ?? 0);
    this.#rows += count - (before?.rows ?? 0);
    this.#known.set(key, { height, rows: count });
  }

  of({ key, count }: Block): number {
    return this.#known.get(key)?.height ?? count * (this.#rows === 0 ? this.#guess : this.#height / this.#rows);
  }
}

/** @param kept key of a block that is drawn wherever it is: the focus is in it */
export function piecesOf(blocks: readonly Block[], heights: Heights, { top, bottom }: View, kept: number | null): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let gap = 0;
  for (const [index, block] of blocks.entries()) {
    const height = heights.of(block);
    const isSeen = from + height > top && from < bottom;
    from += height;
    if (!isSeen && block.key !== kept) {
      gap += height;
      continue;
    }
    if (gap > 0) pieces.push({ key: `before ${block.key}`, height: gap });
    pieces.push({ block, index });
    gap = 0;
  }
  if (gap > 0) pieces.push({ key: 'below', height: gap });
  return pieces;
}
