import type { Extension } from '@codemirror/state';
import type { OpenDocument } from './document.svelte.ts';

/** What another part of the IDE adds to every editor of a file: language servers, changes in the margin, blame. */
export type Contribution = (document: OpenDocument) => Extension | Promise<Extension>;

/** All that is added to editors. Files that are open already get it, too. */
export class Contributions {
  all = $state.raw<readonly Contribution[]>([]);

  /** @returns takes it away again */
  add(contribution: Contribution): () => void {
    this.all = [...this.all, contribution];
    return () => (this.all = this.all.filter((other) => other !== contribution));
  }
}
