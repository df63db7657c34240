import { concat } from '@gatehouse/core/protocol/bytes.ts';
import {
  gitBlame,
  gitChanged,
  gitCommit,
  gitLog,
  gitRefs,
  gitRepositories,
  gitSaid,
  gitStatus,
  type GitBlame,
  type GitCommit,
  type GitFailure,
  type GitLogEntry,
  type GitRefs,
  type GitRepositories,
  type GitSaid,
  type GitShown,
  type GitStatus,
} from '@gatehouse/core/protocol/git-answers.ts';
import type { GitAction, KeptFile } from '@gatehouse/core/protocol/git.ts';
import type { z } from 'zod';
import { StreamError } from '../connection/stream-error.ts';
import type { HeadOf, RequestOf } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';

type Reading = 'git.repositories' | 'git.status' | 'git.refs' | 'git.log' | 'git.commit' | 'git.blame' | 'git.show';
export type LogQuery = Omit<RequestOf<'git.log'>, 'method' | 'repo'>;
export type Side = RequestOf<'git.show'>['at'];

/** Why something that was to be changed was not. `message` is for people. */
export class GitProblem extends Error {
  readonly why: GitFailure;

  constructor(why: GitFailure, message: string) {
    super(message);
    this.name = 'GitProblem';
    this.why = why;
  }
}

/** One side of a file. `text` null: `why` says why there is none to show */
export interface FileSide {
  text: string | null;
  version: string;
  why: GitShown['why'] | 'not-text';
}

export interface GitDone {
  kept: KeptFile[];
  sha: string | null;
}

/** Something under way. */
export interface GitWork {
  /** @throws GitProblem */
  done: Promise<GitDone>;
  cancel(): void;
}

/** Git in the workspace, as its runner serves it. What reads throws StreamError. */
export class RemoteGit {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  repositories(): Promise<GitRepositories> {
    return this.#json({ method: 'git.repositories' }, gitRepositories);
  }

  status(repo: string): Promise<GitStatus> {
    return this.#json({ method: 'git.status', repo }, gitStatus);
  }

  refs(repo: string): Promise<GitRefs> {
    return this.#json({ method: 'git.refs', repo }, gitRefs);
  }

  log(repo: string, query: LogQuery): Promise<{ commits: GitLogEntry[]; more: boolean }> {
    return this.#json({ method: 'git.log', repo, ...query }, gitLog);
  }

  commit(repo: string, commit: string): Promise<GitCommit> {
    return this.#json({ method: 'git.commit', repo, commit }, gitCommit);
  }

  /** Who wrote which lines; each knows who, though the runner says it once for each commit. */
  async blame(repo: string, path: string): Promise<Array<GitBlame & { who: NonNullable<GitBlame['who']> }>> {
    const { bytes } = await this.#collect({ method: 'git.blame', repo, path });
    const lines = new TextDecoder().decode(bytes).split('\n').filter(Boolean);
    const runs = lines.map((line) => gitBlame.parse(JSON.parse(line)));
    const known = new Map(runs.flatMap(({ sha, who }) => (who === null ? [] : [[sha, who] as const])));
    return runs.flatMap((run) => {
      const who = known.get(run.sha);
      return who === undefined ? [] : [{ ...run, who }];
    });
  }

  /** A file on one side, as a checkout would write it. */
  async show(repo: string, path: string, at: Side, commit: string | null = null): Promise<FileSide> {
    const { head, bytes } = await this.#collect({ method: 'git.show', repo, path, at, commit });
    if (head.why !== null) return { text: null, version: head.version, why: head.why };
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      return { text, version: head.version, why: null };
    } catch {
      return { text: null, version: head.version, why: 'not-text' };
    }
  }

  /** Says which repositories git itself changed, until it is ended. @returns what ends it */
  watch(repos: string[], changed: (repos: readonly string[]) => void): () => void {
    const stream = this.#services.open(
      { method: 'git.watch', repos },
      { head: () => undefined, message: (body) => changed(gitChanged.parse(body).repos), ended: () => undefined },
    );
    return () => stream?.cancel();
  }

  /** Changes a repository. @param hear is told how far it is, and what git and its hooks print */
  do(repo: string, work: GitAction, hear: (said: GitSaid) => void): GitWork {
    let cancel: () => void = () => undefined;
    const done = new Promise<GitDone>((resolve, reject) => {
      const stream = this.#services.open(
        { method: 'git.do', repo, work },
        {
          head: () => undefined,
          message: (body) => {
            const said = gitSaid.parse(body);
            if (said.kind === 'done') resolve(said);
            else if (said.kind === 'failed') reject(new GitProblem(said.why, said.message));
            else hear(said);
          },
          finished: () => stream?.done(),
          ended: ({ code, message }) => reject(new GitProblem(code === 'cancelled' ? 'cancelled' : 'other', message)),
        },
      );
      cancel = () => {
        stream?.cancel();
        reject(new GitProblem('cancelled', 'It was cancelled.'));
      };
    });
    return { done, cancel: () => cancel() };
  }

  async #json<M extends Reading, T>(request: RequestOf<M>, schema: z.ZodType<T>): Promise<T> {
    const { bytes } = await this.#collect(request);
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  }

  #collect<M extends Reading>(request: RequestOf<M>): Promise<{ head: HeadOf<M>; bytes: Uint8Array }> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let head: HeadOf<M> | undefined;
      const stream = this.#services.open<M>(request, {
        head: (opened) => (head = opened),
        data: (bytes, offset) => {
          chunks.push(bytes);
          stream?.took(offset + bytes.byteLength);
        },
        finished: () => {
          stream?.done();
          if (head === undefined) reject(new StreamError('invalid', 'The answer had no beginning'));
          else resolve({ head, bytes: concat(...chunks) });
        },
        ended: reject,
      });
    });
  }
}

/** Whatever was thrown, in words for people. */
export const gitWords = (thrown: unknown): string =>
  thrown instanceof GitProblem || thrown instanceof StreamError ? thrown.message : 'Something unexpected happened on this page.';
