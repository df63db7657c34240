import { z } from 'zod';
import { keptFile } from './git.ts';

/** Git in a workspace: what is answered. */

const sha = z.string();
const seconds = z.number().describe('since the epoch');

export const gitRepositories = z.object({
  /** its version; null: the workspace has none */
  git: z.string().nullable(),
  /** folders relative to the root of the workspace */
  repositories: z.array(z.string()),
  truncated: z.boolean(),
});
export type GitRepositories = z.infer<typeof gitRepositories>;

export const gitChanged = z.object({ kind: z.literal('changed'), repos: z.array(z.string()) });

/** M, A, D, R, C, T as git's letters; `.`: unchanged; `U` and the like in conflicts */
const letter = z.string().length(1);
export const gitChange = z.object({
  path: z.string(),
  kind: z.enum(['changed', 'conflict', 'untracked', 'ignored']),
  /** of HEAD to the index, and of the index to the worktree */
  index: letter,
  worktree: letter,
  /** where it was before it was renamed or copied */
  from: z.string().nullable(),
  submodule: z.boolean(),
});
export type GitChange = z.infer<typeof gitChange>;

export const OPERATIONS = ['merge', 'rebase', 'cherry-pick', 'revert', 'bisect'] as const;
export type GitOperation = (typeof OPERATIONS)[number];

export const gitStatus = z.object({
  /** null: HEAD is detached */
  branch: z.string().nullable(),
  /** null: no commit yet */
  head: sha.nullable(),
  upstream: z.string().nullable(),
  /** null where the upstream is gone, or there is none */
  ahead: z.number().nullable(),
  behind: z.number().nullable(),
  stashes: z.number(),
  changes: z.array(gitChange),
  /** there are more than could be told */
  truncated: z.boolean(),
  /** what stopped half-way, and how far it is */
  operation: z.enum(OPERATIONS).nullable(),
  step: z.string().nullable(),
  /** what git proposes as the message of the next commit */
  message: z.string().nullable(),
  /** who commits; null: nobody has said */
  author: z.object({ name: z.string(), email: z.string() }).nullable(),
  remotes: z.array(z.string()),
});
export type GitStatus = z.infer<typeof gitStatus>;

export const gitRef = z.object({
  name: z.string(),
  kind: z.enum(['branch', 'remote', 'tag']),
  sha,
  time: seconds,
  subject: z.string(),
  current: z.boolean(),
  upstream: z.string().nullable(),
  /** "ahead 2, behind 1", "gone" */
  track: z.string(),
});
export type GitRef = z.infer<typeof gitRef>;
export const gitStash = z.object({ index: z.number(), sha, time: seconds, subject: z.string() });
export type GitStash = z.infer<typeof gitStash>;
export const gitRefs = z.object({ refs: z.array(gitRef), truncated: z.boolean(), stashes: z.array(gitStash) });
export type GitRefs = z.infer<typeof gitRefs>;

/** `version` names the content; `why` there are no bytes: `absent` where there is no such file on that side */
export const gitShown = z.object({
  ok: z.literal(true),
  size: z.number().int(),
  version: z.string(),
  why: z.enum(['absent', 'binary', 'too-large', 'not-a-file']).nullable(),
});
export type GitShown = z.infer<typeof gitShown>;

const commit = { sha, parents: z.array(sha), author: z.string(), email: z.string(), time: seconds, subject: z.string() };
export const gitLogEntry = z.object(commit);
export type GitLogEntry = z.infer<typeof gitLogEntry>;
/** `more`: there are older ones */
export const gitLog = z.object({ commits: z.array(gitLogEntry), more: z.boolean() });

/** added and deleted lines; null: binary */
export const gitFile = z.object({
  path: z.string(),
  from: z.string().nullable(),
  status: letter,
  added: z.number().nullable(),
  deleted: z.number().nullable(),
});
export type GitFile = z.infer<typeof gitFile>;
export const gitCommit = z.object({
  ...commit,
  body: z.string(),
  committer: z.string(),
  committed: seconds,
  files: z.array(gitFile),
  truncated: z.boolean(),
});
export type GitCommit = z.infer<typeof gitCommit>;

/** `count` lines from `line`, counted from 1, are of that commit; all zeros: not committed yet. `who` comes with the first. */
export const gitBlame = z.object({
  sha,
  line: z.number().int(),
  count: z.number().int(),
  who: z.object({ author: z.string(), time: seconds, summary: z.string() }).nullable(),
});
export type GitBlame = z.infer<typeof gitBlame>;

export const GIT_FAILURES = [
  /** something half-done or changed here would be lost */
  'dirty',
  /** it stopped at conflicts, which are in the status now */
  'conflicts',
  'identity',
  /** another git is at work, or died */
  'locked',
  'rejected',
  'no-upstream',
  'unmerged',
  /** the server wants to know who asks */
  'credentials',
  'policy',
  /** it is not what it was any more */
  'changed',
  'nothing',
  'cancelled',
  'other',
] as const;
export type GitFailure = (typeof GIT_FAILURES)[number];

/** What an action says while it runs. `percent`: null where nobody knows */
export const gitSaid = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('progress'), text: z.string(), percent: z.number().nullable() }),
  z.object({ kind: z.literal('output'), text: z.string() }),
  z.object({ kind: z.literal('done'), kept: z.array(keptFile), sha: sha.nullable() }),
  z.object({ kind: z.literal('failed'), why: z.enum(GIT_FAILURES), message: z.string() }),
]);
export type GitSaid = z.infer<typeof gitSaid>;
