/** Chance by a seed: the same seed, the same course of things (mulberry32). */
export declare class Chance {
  #private;
  constructor(seed: number);
  /** 0 ≤ x < 1 */
  readonly next: () => number;
  /** a whole number, from ≤ x ≤ to */
  between(from: number, to: number): number;
  /** true once in `times` */
  oneIn(times: number): boolean;
  pick<T>(list: readonly T[]): T;
}
