import type { Size } from './size.ts';

/** A size of a terminal, from an offset of its output on. */
export interface Resize extends Size {
  offset: number;
}

/** Of more sizes than these, the oldest are forgotten. */
const MOST = 1000;

/** The sizes that a terminal has had while the output that is kept was written. */
export class SizeHistory {
  #resizes: Resize[];

  constructor(size: Size) {
    this.#resizes = [{ offset: 0, ...size }];
  }

  add(offset: number, { cols, rows }: Size): void {
    this.#resizes.push({ offset, cols, rows });
    if (this.#resizes.length > MOST) this.#resizes.shift();
  }

  /** the size of the terminal at an offset, one that it got there included */
  at(offset: number): Size {
    const { cols, rows } = this.#resizes.findLast((resize) => resize.offset <= offset) ?? this.#first;
    return { cols, rows };
  }

  /** The sizes that it got behind an offset; at the offset itself only the last, which it may have already. */
  from(offset: number): Resize[] {
    return this.#resizes.filter(
      (resize, index, all) => resize.offset > offset || (resize.offset === offset && all[index + 1]?.offset !== offset),
    );
  }

  /** Forgets what was over before an offset. */
  forget(before: number): void {
    const current = this.#resizes.findLastIndex((resize) => resize.offset <= before);
    if (current > 0) this.#resizes = this.#resizes.slice(current);
  }

  get #first(): Resize {
    return this.#resizes[0] as Resize;
  }
}
