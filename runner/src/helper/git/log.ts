import type { GitCommit, GitFile, GitLogEntry } from '@gatehouse/core/protocol/git-answers.ts';
import { ServiceFailure } from '../../service-failure.ts';
import { fieldsOf, UNREADABLE, type Git } from './run.ts';

const ENTRY = ['%H', '%P', '%aN', '%aE', '%at', '%s'];
const MOST_FILES = 3000;

export interface LogQuery {
  skip: number;
  count: number;
  all: boolean;
  text: string;
  author: string;
  path: string;
}

/** A page of the log, parents behind their children, so that lanes can be drawn. */
export async function readLog(git: Git, query: LogQuery): Promise<{ commits: GitLogEntry[]; more: boolean }> {
  const { code } = await git.run(['rev-parse', '--verify', '--quiet', 'HEAD']);
  if (code !== 0 && !query.all) return { commits: [], more: false };
  const out = await git.read([
    ...['log', '-z', '--topo-order', '--parents', '--no-show-signature', `--skip=${query.skip}`, `--max-count=${query.count + 1}`],
    ...['--fixed-strings', '--regexp-ignore-case', `--format=${ENTRY.join('%x00')}`],
    ...(query.text === '' ? [] : [`--grep=${query.text}`]),
    ...(query.author === '' ? [] : [`--author=${query.author}`]),
    ...(query.all ? ['--branches', '--remotes', '--tags'] : []),
    ...(code === 0 ? ['HEAD'] : []),
    ...['--', ...(query.path === '' ? [] : [query.path])],
  ]);
  const fields = fieldsOf(out);
  const commits = Array.from({ length: Math.floor(fields.length / ENTRY.length) }, (_, index) => entryOf(fields, index * ENTRY.length));
  return { commits: commits.slice(0, query.count), more: commits.length > query.count };
}

const entryOf = (fields: readonly string[], at: number): GitLogEntry => {
  const [sha = '', parents = '', author = '', email = '', time, subject = ''] = fields.slice(at, at + ENTRY.length);
  return { sha, parents: parents.split(' ').filter(Boolean), author, email, time: Number(time), subject };
};

/** One commit with its files, against its first parent. */
export async function readCommit(git: Git, commit: string): Promise<GitCommit> {
  const format = [...ENTRY, '%b', '%cN', '%ct'].join('%x00');
  const told = await git.read([
    ...['show', '-z', '--no-patch', '--no-show-signature', `--format=${format}`, '--end-of-options'],
    ...[`${commit}^{commit}`, '--'],
  ]);
  const fields = fieldsOf(told);
  const entry = entryOf(fields, 0);
  const [body = '', committer = '', committed] = fields.slice(ENTRY.length);
  const parent = entry.parents[0];
  const trees = parent === undefined ? ['--root', entry.sha] : [parent, entry.sha];
  const diff = ['diff-tree', '-r', '-z', '-M', '--no-commit-id', '--no-ext-diff', '--no-textconv'];
  const [names, numbers] = await Promise.all([
    git.read([...diff, '--name-status', ...trees, '--']),
    git.read([...diff, '--numstat', ...trees, '--']),
  ]);
  const files = filesOf(fieldsOf(names), linesOf(fieldsOf(numbers)));
  return {
    ...entry,
    ...{ body: body.trim(), committer, committed: Number(committed) },
    ...{ files: files.slice(0, MOST_FILES), truncated: files.length > MOST_FILES },
  };
}

function filesOf(fields: readonly string[], lines: ReadonlyMap<string, [number | null, number | null]>): GitFile[] {
  const files: GitFile[] = [];
  for (let at = 0; at < fields.length;) {
    const status = fields[at++]?.[0] ?? '?';
    const from = status === 'R' || status === 'C' ? (fields[at++] ?? null) : null;
    const path = fields[at++];
    if (path === undefined) throw new ServiceFailure('internal', 'Git told its files in another way than it should');
    const [added, deleted] = lines.get(path) ?? [null, null];
    if (!path.includes(UNREADABLE)) files.push({ path, from, status, added, deleted });
  }
  return files;
}

/** "3 TAB 1 TAB path", or of what was renamed "3 TAB 1 TAB", NUL, from, NUL, to. */
function linesOf(fields: readonly string[]): Map<string, [number | null, number | null]> {
  const lines = new Map<string, [number | null, number | null]>();
  for (let at = 0; at < fields.length; at++) {
    const [added = '', deleted = '', ...rest] = (fields[at] ?? '').split('\t');
    const named = rest.join('\t');
    const path = named === '' ? fields[(at += 2)] : named;
    const count = (text: string) => (text === '-' ? null : Number(text));
    if (path !== undefined) lines.set(path, [count(added), count(deleted)]);
  }
  return lines;
}
