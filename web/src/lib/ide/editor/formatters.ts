import type { OpenDocument } from './document.svelte.ts';

/** Lays out the text of an open file anew. @returns whether it could: false leaves it to the next formatter */
export type Formatter = (document: OpenDocument) => Promise<boolean>;

/** All that can format files. Language servers join when they are there. */
export class Formatters {
  readonly #all = new Set<Formatter>();

  /** @returns takes it away again */
  add(formatter: Formatter): () => void {
    this.#all.add(formatter);
    return () => this.#all.delete(formatter);
  }

  /** @returns whether one of them did it */
  async format(document: OpenDocument): Promise<boolean> {
    for (const formatter of this.#all) if (await formatter(document)) return true;
    return false;
  }
}
