import { isWithin } from './paths.ts';

/** What was cut or copied in the tree, to be put elsewhere. */
export interface Taken {
  how: 'cut' | 'copy';
  paths: readonly string[];
}

/** The tree's own clipboard: what is in it never leaves the page. */
export class TreeClipboard {
  taken = $state.raw<Taken | null>(null);

  /** Whether a line waits to be put elsewhere. */
  isCut(path: string): boolean {
    return this.taken?.how === 'cut' && this.taken.paths.some((cut) => isWithin(path, cut));
  }

  take(how: Taken['how'], paths: readonly string[]): void {
    this.taken = paths.length === 0 ? null : { how, paths };
  }
}
