import type { GitRefs, GitSaid, GitStatus } from '@gatehouse/core/protocol/git-answers.ts';
import { MOST_PATHS, type GitAction, type KeptFile } from '@gatehouse/core/protocol/git.ts';
import { Coalesce } from '../files/coalesce.ts';
import { GROUPS, rowsOf, statesOf } from './changes.ts';
import { gitWords, GitProblem, type GitDone, type RemoteGit } from './remote-git.ts';

/** What is under way in a repository. */
export interface Running {
  title: string;
  step: string;
  percent: number | null;
  cancel(): void;
}

const MOST_OUTPUT = 20_000;

/** One repository: what changed in it, where its branch stands, and what is done with it. */
export class Repository {
  readonly remote: RemoteGit;
  /** its folder, relative to the root of the workspace */
  readonly folder: string;
  readonly #coalesce = new Coalesce();
  status = $state.raw<GitStatus | null>(null);
  refs = $state.raw<GitRefs | null>(null);
  /** why there is no status */
  error = $state<string | null>(null);
  running = $state.raw<Running | null>(null);
  /** what git and its hooks printed in the last action that printed something */
  output = $state('');
  message = $state('');
  amend = $state(false);
  signOff = $state(false);
  /** grows with each look: what hangs on the state of the repository looks again, too */
  revision = $state(0);
  /** what git proposed as message and was put into the box */
  #proposed: string | null = null;

  readonly rows = $derived(rowsOf(this.status?.changes ?? []));
  readonly states = $derived(statesOf(this.status?.changes ?? []));
  readonly count: number = $derived(GROUPS.reduce((sum, group) => sum + this.rows[group].length, 0));

  constructor(remote: RemoteGit, folder: string) {
    this.remote = remote;
    this.folder = folder;
  }

  get name(): string {
    return this.folder === '' ? 'Home' : this.folder;
  }

  /** Looks again; asked for several times, once more is enough. */
  refresh(): Promise<void> {
    return this.#coalesce.run('status', async () => {
      try {
        this.status = await this.remote.status(this.folder);
        this.error = null;
        this.#propose(this.status.message);
        if (this.refs !== null) this.refs = await this.remote.refs(this.folder);
      } catch (thrown) {
        this.error = gitWords(thrown);
      }
      this.revision += 1;
    });
  }

  /** Branches, tags and stashes; kept up to date from then on. */
  async loadRefs(): Promise<GitRefs> {
    this.refs = await this.remote.refs(this.folder);
    return this.refs;
  }

  /** Path of a file of the repository, relative to the root of the workspace. */
  full(path: string): string {
    return this.folder === '' ? path : `${this.folder}/${path}`;
  }

  /** Does one thing after the other is done. @throws GitProblem */
  async run(title: string, work: GitAction): Promise<GitDone> {
    if (this.running !== null) throw new GitProblem('locked', `Wait for what is under way: ${this.running.title}`);
    const written = this.message;
    let printed = '';
    const { done, cancel } = this.remote.do(this.folder, work, (said) => {
      if (said.kind === 'output') this.output = printed = (printed + said.text).slice(-MOST_OUTPUT);
      this.#heard(title, said, cancel);
    });
    this.running = { title, step: '', percent: null, cancel };
    try {
      const answer = await done;
      // Before the next look: what git proposes then finds the box empty, and what somebody writes from now on stays.
      if ((work.action === 'commit' || work.action === 'go-on') && this.message === written) this.message = '';
      return answer;
    } finally {
      this.running = null;
      await this.refresh();
    }
  }

  /** The same for many files, in several steps. @returns what was kept of them */
  async runFor(title: string, action: 'stage' | 'unstage' | 'discard', paths: readonly string[]): Promise<KeptFile[]> {
    const kept: KeptFile[] = [];
    for (let at = 0; at < paths.length; at += MOST_PATHS) {
      const done = await this.run(title, { action, paths: paths.slice(at, at + MOST_PATHS) });
      kept.push(...done.kept);
    }
    return kept;
  }

  #heard(title: string, said: GitSaid, cancel: () => void): void {
    if (said.kind === 'progress') this.running = { title, step: said.text, percent: said.percent, cancel };
  }

  /** What git proposes goes into the box, unless somebody has written there; and out of it once it is not proposed any more. */
  #propose(message: string | null): void {
    if (message === this.#proposed) return;
    if (this.message === '' || this.message === this.#proposed) this.message = message ?? '';
    this.#proposed = message;
  }
}
