import type { GitLogEntry, GitRef } from '@gatehouse/core/protocol/git-answers.ts';
import { wordsOf } from '../connection/stream-error.ts';
import { graphOf, type GraphRow } from './lanes.ts';
import type { Repository } from './repository.svelte.ts';

const PAGE = 200;

/** The log of a repository: page by page, as far as somebody has looked. */
export class Log {
  readonly repository: Repository;
  text = $state('');
  author = $state('');
  path = $state('');
  /** of all branches, or of what is checked out */
  all = $state(true);
  commits = $state.raw<readonly GitLogEntry[]>([]);
  more = $state(false);
  loading = $state(false);
  loaded = $state(false);
  error = $state<string | null>(null);
  #asked = 0;

  /** Filtered by words, commits stand alone: their parents are not there. */
  readonly graph: readonly GraphRow[] = $derived(this.text === '' && this.author === '' ? graphOf(this.commits) : []);

  constructor(repository: Repository, path: string) {
    this.repository = repository;
    this.path = path;
    this.all = path === '';
  }

  /** Branches and tags, by the commit they are at. */
  get refs(): ReadonlyMap<string, GitRef[]> {
    return Map.groupBy(this.repository.refs?.refs ?? [], ({ sha }) => sha);
  }

  /** Reads from the newest on, as many as were there. */
  async reload(): Promise<void> {
    await Promise.all([this.#read(0, Math.max(PAGE, Math.min(500, this.commits.length))), this.repository.loadRefs().catch(() => null)]);
  }

  async next(): Promise<void> {
    if (this.more && !this.loading) await this.#read(this.commits.length, PAGE);
  }

  async #read(skip: number, count: number): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const { text, author, path, all } = this;
      const { commits, more } = await this.repository.remote.log(this.repository.folder, { skip, count, all, text, author, path });
      // Something else was asked for meanwhile.
      if (asked !== this.#asked) return;
      this.commits = skip === 0 ? commits : [...this.commits, ...commits];
      this.more = more;
      this.error = null;
    } catch (thrown) {
      if (asked === this.#asked) this.error = wordsOf(thrown);
    } finally {
      if (asked === this.#asked) {
        this.loading = false;
        this.loaded = true;
      }
    }
  }
}
