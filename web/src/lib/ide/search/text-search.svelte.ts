import type { TextQuery } from '@gatehouse/core/protocol/search.ts';
import { SvelteSet } from 'svelte/reactivity';
import type { Clock } from '../connection/ports.ts';
import { finds, FoundFiles, type FoundFile } from './found-files.ts';
import type { RemoteSearch } from './remote-search.ts';

/** A search begins this long after the last key. */
const PAUSE_MS = 250;

/** What somebody looks for in the files of the workspace, and what was found of it so far. */
export class TextSearch {
  readonly #remote: Pick<RemoteSearch, 'text'>;
  readonly #clock: Pick<Clock, 'after'>;
  query = $state('');
  regex = $state(false);
  matchCase = $state(false);
  wholeWord = $state(false);
  /** globs, between commas */
  include = $state('');
  exclude = $state('');
  replacing = $state(false);
  replacement = $state('');
  files = $state.raw<readonly FoundFile[]>([]);
  readonly collapsed = new SvelteSet<string>();
  running = $state(false);
  truncated = $state(false);
  error = $state<string | null>(null);
  /** what was asked when `files` were found; null: nothing yet */
  asked = $state.raw<TextQuery | null>(null);
  #cancel: () => void = () => undefined;
  #cancelPause: () => void = () => undefined;

  readonly total: number = $derived(this.files.reduce((sum, { hits }) => sum + finds(hits), 0));

  constructor(remote: Pick<RemoteSearch, 'text'>, clock: Pick<Clock, 'after'>) {
    this.#remote = remote;
    this.#clock = clock;
  }

  /** Something of what is asked has changed. */
  edited(): void {
    this.#cancelPause();
    this.#cancelPause = this.#clock.after(PAUSE_MS, () => this.run());
  }

  /** Asks anew; what came before is replaced by the first that comes. */
  run(): void {
    this.stop();
    this.error = null;
    this.truncated = false;
    if (this.query === '') return this.#show([], null);
    const asked: TextQuery = {
      ...{ query: this.query, regex: this.regex, matchCase: this.matchCase, wholeWord: this.wholeWord },
      ...{ include: globsOf(this.include), exclude: globsOf(this.exclude) },
    };
    const found = new FoundFiles();
    this.running = true;
    this.#cancel = this.#remote.text(asked, {
      found: (hits) => {
        found.add(hits);
        this.#show(found.inOrder(), asked);
      },
      finished: (truncated) => {
        this.running = false;
        this.truncated = truncated;
        this.#show(found.inOrder(), asked);
      },
      failed: ({ message }) => {
        this.running = false;
        this.error = message;
        this.#show([], null);
      },
    });
  }

  /** Ends what is under way; what was found stays. */
  stop(): void {
    this.#cancelPause();
    this.#cancel();
    this.#cancel = () => undefined;
    this.running = false;
  }

  /** Takes a line, or a whole file, out of what was found. */
  drop(path: string, line: number | null): void {
    this.files = this.files.flatMap((file) => {
      if (file.path !== path) return [file];
      const hits = line === null ? [] : file.hits.filter((hit) => hit.line !== line);
      return hits.length === 0 ? [] : [{ path, hits }];
    });
  }

  #show(files: readonly FoundFile[], asked: TextQuery | null): void {
    this.files = files;
    this.asked = asked;
  }
}

/** "*.ts, src/**": a folder's name alone means what is in it. */
export const globsOf = (text: string): string[] =>
  text
    .split(',')
    .map((glob) => glob.trim())
    .filter((glob) => glob !== '')
    .map((glob) => (glob.endsWith('/') ? `${glob}**` : glob));
