import type { RemoteSearch } from './remote-search.ts';

const RECENT = 50;

/** All files of the workspace by name: read when it is first opened, and again after files came or went. */
export class QuickOpen {
  readonly #remote: Pick<RemoteSearch, 'files'>;
  open = $state(false);
  /** what stands in its field when it opens: @ and # look for symbols */
  initial = '';
  loading = $state(false);
  truncated = $state(false);
  error = $state<string | null>(null);
  paths = $state.raw<readonly string[]>([]);
  /** the newest first */
  recent = $state.raw<readonly string[]>([]);
  #isStale = true;

  constructor(remote: Pick<RemoteSearch, 'files'>) {
    this.#remote = remote;
  }

  show(initial = ''): void {
    this.initial = initial;
    this.open = true;
    if (this.#isStale && !this.loading) this.#load();
  }

  /** Files may have come or gone. */
  changed(): void {
    this.#isStale = true;
  }

  opened(path: string): void {
    this.recent = [path, ...this.recent.filter((other) => other !== path)].slice(0, RECENT);
  }

  #load(): void {
    const paths: string[] = [];
    this.#isStale = false;
    this.loading = true;
    this.error = null;
    this.#remote.files({
      found: (lines) => void paths.push(...lines),
      finished: (truncated) => {
        this.loading = false;
        this.truncated = truncated;
        this.paths = paths.sort();
      },
      failed: ({ message }) => {
        this.loading = false;
        this.error = message;
        this.#isStale = true;
      },
    });
  }
}
