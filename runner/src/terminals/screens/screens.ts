import type { Size } from '../size.ts';

/** What happens to a terminal, in order: output of its program, or another size. */
export type Step = Uint8Array<ArrayBuffer> | Size;

/** The parsed screen of one terminal. */
export interface Screen {
  /**
   * Applies what has happened and answers with the state behind it, as bytes that bring a fresh terminal of that size there.
   * One at a time.
   * @param take asked for the steps when their turn has come: the longer the wait, the more they can leave out
   * @returns null when there is no state to be had: the output ends inside a sequence, or the parser has failed. The screen is over.
   */
  advance(take: () => Step[]): Promise<Uint8Array<ArrayBuffer> | null>;
  close(): void;
}

/** Where screens are parsed. */
export interface Screens {
  open(size: Size): Screen;
}
