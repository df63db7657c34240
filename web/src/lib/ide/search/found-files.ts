import type { SearchHit } from '@gatehouse/core/protocol/search.ts';

/** A file with the lines of it that were found. */
export interface FoundFile {
  path: string;
  hits: readonly SearchHit[];
}

export const finds = (hits: readonly SearchHit[]): number => hits.reduce((sum, { ranges }) => sum + ranges.length, 0);

/** What was found so far, in whatever order it comes: several threads search. */
export class FoundFiles {
  readonly #files = new Map<string, SearchHit[]>();

  add(hits: readonly SearchHit[]): void {
    for (const hit of hits) {
      const known = this.#files.get(hit.path);
      if (known === undefined) this.#files.set(hit.path, [hit]);
      else known.push(hit);
    }
  }

  /** By path, and lines by their number. */
  inOrder(): FoundFile[] {
    return [...this.#files]
      .map(([path, hits]) => ({ path, hits: hits.toSorted((a, b) => a.line - b.line) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}
