import type { GitAction } from '@gatehouse/core/protocol/git.ts';
import type { Services } from '../connection/streams.ts';
import { isWithin } from '../files/paths.ts';
import type { GitState } from './changes.ts';
import { gitWords, RemoteGit, type GitDone } from './remote-git.ts';
import { Repository, type Running } from './repository.svelte.ts';

/** What the source control of the page asks somebody for, one at a time. */
export type GitDialog = 'branches' | 'clone' | 'identity' | 'stash' | null;

/** The repositories of the workspace. */
export class Git {
  readonly remote: RemoteGit;
  repositories = $state.raw<readonly Repository[]>([]);
  /** git's version; null: there is none in the workspace, or nobody knows yet */
  version = $state<string | null>(null);
  loaded = $state(false);
  truncated = $state(false);
  error = $state<string | null>(null);
  dialog = $state<GitDialog>(null);
  /** a clone or an init, which are of no repository yet */
  running = $state.raw<Running | null>(null);
  /** somebody wants to write the message of a commit: its box takes the keyboard, once */
  writing = $state(false);
  /** who wrote each line, beside all lines of every file */
  annotates = $state(false);
  #chosen = $state<string | null>(null);
  #unwatch: () => void = () => undefined;

  /** the one in sight */
  readonly current: Repository | null = $derived(
    this.repositories.find(({ folder }) => folder === this.#chosen) ?? this.repositories[0] ?? null,
  );
  readonly count: number = $derived(this.repositories.reduce((sum, { count }) => sum + count, 0));

  constructor(services: Services) {
    this.remote = new RemoteGit(services);
  }

  choose(folder: string): void {
    this.#chosen = folder;
  }

  /** Looks for repositories, and at all of them, from a new connection on. */
  async connected(): Promise<void> {
    try {
      const found = await this.remote.repositories();
      this.version = found.git;
      this.truncated = found.truncated;
      this.repositories = found.repositories.map((folder) => this.#known(folder) ?? new Repository(this.remote, folder));
      this.error = null;
      this.#watch();
      await Promise.all(this.repositories.map((repository) => repository.refresh()));
    } catch (thrown) {
      this.error = gitWords(thrown);
    } finally {
      this.loaded = true;
    }
  }

  /** Files changed, relative to the root of the workspace; null: nobody knows which. */
  async changed(paths: readonly string[] | null): Promise<void> {
    if (!this.loaded) return;
    // A repository came or went.
    if (paths === null || paths.some((path) => path === '.git' || path.endsWith('/.git'))) return this.connected();
    const touched = this.repositories.filter((repository) => paths.some((path) => this.repositoryOf(path) === repository));
    // A folder that is gone takes its repositories along.
    if (this.repositories.some(({ folder }) => folder !== '' && paths.some((path) => isWithin(folder, path)))) return this.connected();
    await Promise.all(touched.map((repository) => repository.refresh()));
  }

  /** The innermost repository that a file is in. */
  repositoryOf(path: string): Repository | null {
    const around = this.repositories.filter(({ folder }) => folder === '' || isWithin(path, folder));
    return around.reduce<Repository | null>((best, each) => (best === null || each.folder.length > best.folder.length ? each : best), null);
  }

  /** Path within its repository. */
  within(repository: Repository, path: string): string {
    return repository.folder === '' ? path : path.slice(repository.folder.length + 1);
  }

  /** How a file or folder stands to git; null: unchanged, or in no repository. */
  statusOf(path: string): GitState | null {
    const repository = this.repositoryOf(path);
    if (repository === null) return null;
    let inside = this.within(repository, path);
    const own = repository.states.get(inside);
    if (own !== undefined) return own;
    while (inside.includes('/')) {
      inside = inside.slice(0, inside.lastIndexOf('/'));
      if (repository.states.get(inside) === 'ignored') return 'ignored';
    }
    return null;
  }

  /** Makes a repository that is not there yet. @throws GitProblem */
  async make(title: string, folder: string, work: Extract<GitAction, { action: 'init' | 'clone' }>): Promise<GitDone> {
    const { done, cancel } = this.remote.do(folder, work, (said) => {
      if (said.kind === 'progress') this.running = { title, step: said.text, percent: said.percent, cancel };
    });
    this.running = { title, step: '', percent: null, cancel };
    try {
      const result = await done;
      await this.connected();
      this.choose(folder);
      return result;
    } finally {
      this.running = null;
    }
  }

  #known(folder: string): Repository | undefined {
    return this.repositories.find((each) => each.folder === folder);
  }

  #watch(): void {
    this.#unwatch();
    const folders = this.repositories.map(({ folder }) => folder);
    this.#unwatch = this.remote.watch(folders, (repos) => {
      for (const repo of repos) void this.#known(repo)?.refresh();
    });
  }
}
