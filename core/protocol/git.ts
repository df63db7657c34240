import { z } from 'zod';

/** Git in a workspace: what is asked for. What is answered: git-answers.ts. */

/** of what is told of one repository; what lies beyond is left out, and said to be */
export const MOST_CHANGES = 10_000;
export const MOST_REPOSITORIES = 50;
export const MOST_REFS = 2_000;
/** commits of one page of the log */
export const MOST_COMMITS = 500;
/** of a version of a file that is shown */
export const MOST_SHOWN = 5 * 1024 * 1024;
/** named in one request; more are named in several */
export const MOST_PATHS = 400;

const noNul = (value: string) => !value.includes('\0');
const path = z.string().max(4096).refine(noNul, 'must not contain NUL');
const line = (most: number) =>
  z
    .string()
    .max(most)
    .refine((value) => !/[\0\r\n]/.test(value), 'must be one line');

/** the folder of a repository, relative to the root of the workspace; "" is the root */
const repo = path;
/** relative to the folder of the repository */
const filePath = path.min(1);
/** a commit, branch or tag; never an option, a range or a path */
const revision = line(255).regex(/^(?!-)[^\s:^~?*[\\]+$/, 'must name one commit');
/** of a branch that is to be; git itself says what else is wrong */
const refName = line(200).regex(/^(?!-)\S+$/, 'must be a name without blanks');
const sha = z.string().regex(/^[0-9a-f]{4,64}$/);
/** of a content that was shown: what it is changed by must still be there */
const version = z.string().max(64);
const remote = line(200).regex(/^(?!-)[\w./@+-]+$/, 'must be the name of a remote');

/** Where a version of a file is: `base`, `ours` and `theirs` are the sides of a conflict */
const SIDES = ['worktree', 'index', 'base', 'ours', 'theirs', 'commit'] as const;

/** Lines counted from 0, up to and without `to`: those of `old` become those of `new`. */
export const lineEdit = z.object({
  old: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
  new: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
});
export type LineEdit = z.infer<typeof lineEdit>;

/** What a discarded file was: `blob` null: it was not there */
export const keptFile = z.object({ path: filePath, blob: sha.nullable(), mode: z.enum(['100644', '100755', '120000']) });
export type KeptFile = z.infer<typeof keptFile>;

const named = { paths: z.array(filePath).min(1).max(MOST_PATHS) };

/** What changes a repository. Each may take long, tells how far it is, and ends when its stream is reset. */
export const gitAction = z.discriminatedUnion('action', [
  z.object({ action: z.literal('init') }),
  /** into the folder `repo`, which must not be there */
  z.object({ action: z.literal('clone'), url: line(2000).regex(/^(?!-)./) }),
  z.object({ action: z.literal('stage'), ...named }),
  z.object({ action: z.literal('unstage'), ...named }),
  /** takes the index's content; what is not in it is removed. `done` says what was there */
  z.object({ action: z.literal('discard'), ...named }),
  /** lines of a file, from the worktree into the index, back out of it, or out of the worktree */
  z.object({
    action: z.literal('lines'),
    what: z.enum(['stage', 'unstage', 'discard']),
    path: filePath,
    /** as they were shown: of HEAD or the index, and of the index or the worktree */
    old: version,
    new: version,
    edits: z.array(lineEdit).min(1).max(2000),
  }),
  /** puts back what was discarded, unless something else is there by now */
  z.object({ action: z.literal('put-back'), files: z.array(keptFile).min(1).max(MOST_PATHS) }),
  z.object({
    action: z.literal('commit'),
    message: z.string().max(20_000).refine(noNul),
    amend: z.boolean(),
    signOff: z.boolean(),
    /** everything that changed, if nothing is staged */
    all: z.boolean(),
  }),
  /** what the last commit committed is staged again */
  z.object({ action: z.literal('undo-commit'), sha }),
  z.object({ action: z.literal('identity'), name: line(200).min(1), email: line(200).min(1) }),
  z.object({ action: z.literal('branch'), name: refName, from: revision.nullable(), switchTo: z.boolean() }),
  z.object({ action: z.literal('switch'), to: revision, detach: z.boolean() }),
  z.object({ action: z.literal('rename-branch'), from: revision, to: refName }),
  z.object({ action: z.literal('delete-branch'), name: revision, force: z.boolean() }),
  z.object({ action: z.literal('merge'), from: revision }),
  z.object({ action: z.literal('rebase'), onto: revision }),
  z.object({ action: z.literal('cherry-pick'), commit: sha }),
  z.object({ action: z.literal('revert'), commit: sha }),
  /** the merge, rebase, cherry-pick or revert that stopped */
  z.object({ action: z.literal('go-on') }),
  z.object({ action: z.literal('skip') }),
  z.object({ action: z.literal('abort') }),
  z.object({ action: z.literal('stash'), message: line(500), untracked: z.boolean() }),
  /** `sha`: it must still be what was seen there */
  z.object({ action: z.literal('unstash'), index: z.number().int().min(0), sha, drop: z.boolean() }),
  z.object({ action: z.literal('drop-stash'), index: z.number().int().min(0), sha }),
  z.object({ action: z.literal('restash'), sha, message: line(500) }),
  z.object({ action: z.literal('fetch') }),
  z.object({ action: z.literal('pull'), rebase: z.boolean().nullable().describe('null: as it is configured') }),
  /** `remote`: where a branch without an upstream gets one; `force`: over what was last seen there, and nothing newer */
  z.object({ action: z.literal('push'), remote: remote.nullable(), force: z.boolean() }),
]);
export type GitAction = z.infer<typeof gitAction>;

/** Requests of the page, by the house's rules of services (services.ts). */
export const gitRequests = [
  /** head: ok; then gitRepositories as `data` (JSON), then `fin` */
  z.object({ method: z.literal('git.repositories') }),
  /** head ok, then a `message` gitChanged whenever git itself changed one of them, until the stream is reset */
  z.object({ method: z.literal('git.watch'), repos: z.array(repo).max(MOST_REPOSITORIES) }),
  /** head ok; then gitStatus as `data` (JSON), then `fin` */
  z.object({ method: z.literal('git.status'), repo }),
  /** head ok; then gitRefs as `data` (JSON), then `fin` */
  z.object({ method: z.literal('git.refs'), repo }),
  /** head: gitShown; then the bytes as `data` as a checkout would write them, then `fin` */
  z.object({ method: z.literal('git.show'), repo, path: filePath, at: z.enum(SIDES), commit: revision.nullable() }),
  /** head ok; then gitLog as `data` (JSON), then `fin` */
  z.object({
    method: z.literal('git.log'),
    repo,
    skip: z.number().int().min(0).max(1_000_000),
    count: z.number().int().min(1).max(MOST_COMMITS),
    /** of all branches and tags, or of HEAD */
    all: z.boolean(),
    text: line(200),
    author: line(200),
    path: path,
  }),
  /** head ok; then gitCommit as `data` (JSON), then `fin` */
  z.object({ method: z.literal('git.commit'), repo, commit: revision }),
  /** head ok; then gitBlame as `data` (JSON lines), as it is found, then `fin` */
  z.object({ method: z.literal('git.blame'), repo, path: filePath }),
  /** head ok, then `message`s gitSaid, of which the last is `done` or `failed`, then `fin` */
  z.object({ method: z.literal('git.do'), repo, work: gitAction }),
] as const;
