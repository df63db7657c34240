import type { Side } from './remote-git.ts';
import type { Repository } from './repository.svelte.ts';

/** What a comparison compares, and what may be done with it. */
export interface Comparison {
  repository: Repository;
  path: string;
  /** null: there was nothing */
  old: { path: string; at: Side; commit: string | null } | null;
  new: { at: Side; commit: string | null };
  /** lines may be staged and discarded, or unstaged; null: it is only looked at */
  takes: 'stage' | 'unstage' | null;
  /** it gets the keyboard once it is there */
  focus: boolean;
}
