import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GitChange, GitOperation, GitStatus } from '@gatehouse/core/protocol/git-answers.ts';
import { MOST_CHANGES } from '@gatehouse/core/protocol/git.ts';
import { gitFolderOf, readSmall } from './git-folder.ts';
import { fieldsOf, UNREADABLE, type Git } from './run.ts';

const MOST_BYTES = 4 * 1024 * 1024;
const MOST_IGNORED = 2000;

type Parsed = Pick<GitStatus, 'branch' | 'head' | 'upstream' | 'ahead' | 'behind' | 'stashes' | 'changes' | 'truncated'>;

/** What changed in a repository, where its branch stands, and what stopped half-way. */
export async function readStatus(git: Git): Promise<GitStatus> {
  const folder = await gitFolderOf(git.folder);
  const asked = ['status', '--porcelain=v2', '-z', '--branch', '--show-stash', '--untracked-files=all', '--ignored=matching'];
  const [{ out, truncated }, config, under] = await Promise.all([
    runStatus(git, asked),
    git.run(['config', '-z', '--get-regexp', '^(user\\.(name|email)|remote\\..*\\.url)$']),
    underway(folder),
  ]);
  const parsed = parseStatus(out, truncated);
  return { ...parsed, ...under, ...settingsOf(fieldsOf(config.out)) };
}

async function runStatus(git: Git, asked: readonly string[]): Promise<{ out: Buffer; truncated: boolean }> {
  const { code, truncated, out, said } = await git.run(asked, { most: MOST_BYTES });
  if (code === 0 || truncated) return { out, truncated };
  // its words for why it can't
  await git.read(asked, { most: MOST_BYTES });
  throw new Error(said);
}

/** Porcelain v2 with NULs. What was cut may end in the middle. */
export function parseStatus(out: Buffer, cut: boolean): Parsed {
  const status: Parsed = {
    ...{ branch: null, head: null, upstream: null, ahead: null, behind: null, stashes: 0 },
    ...{ changes: [], truncated: cut },
  };
  const fields = fieldsOf(out);
  if (cut) fields.pop();
  let ignored = 0;
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? '';
    if (field.startsWith('# ')) {
      readHead(status, field.slice(2));
      continue;
    }
    const change = changeOf(field, () => fields[++at] ?? null);
    if (change === null || change.path.includes(UNREADABLE)) continue;
    if (change.kind === 'ignored' && ++ignored > MOST_IGNORED) continue;
    if (status.changes.length >= MOST_CHANGES) status.truncated = true;
    else status.changes.push(change);
  }
  return status;
}

function readHead(status: Parsed, line: string): void {
  const [name = '', ...rest] = line.split(' ');
  const value = rest.join(' ');
  if (name === 'branch.oid') status.head = value === '(initial)' ? null : value;
  else if (name === 'branch.head') status.branch = value === '(detached)' ? null : value;
  else if (name === 'branch.upstream') status.upstream = value;
  else if (name === 'stash') status.stashes = Number(value);
  else if (name === 'branch.ab') {
    const [, ahead, behind] = /^\+(\d+) -(\d+)$/.exec(value) ?? [];
    status.ahead = Number(ahead);
    status.behind = Number(behind);
  }
}

/** Fields before the path, by the first letter of the line. */
const BEFORE_PATH: Record<string, number> = { '1': 8, '2': 9, u: 10, '?': 1, '!': 1 };

function changeOf(field: string, next: () => string | null): GitChange | null {
  const letter = field[0] ?? '';
  const before = BEFORE_PATH[letter];
  if (before === undefined) return null;
  const parts = field.split(' ');
  const path = parts.slice(before).join(' ');
  const [index = '.', worktree = '.'] = letter === '?' || letter === '!' ? [letter, letter] : (parts[1] ?? '');
  const kind = letter === 'u' ? 'conflict' : letter === '?' ? 'untracked' : letter === '!' ? 'ignored' : 'changed';
  const from = letter === '2' ? next() : null;
  return { path, kind, index, worktree, from, submodule: before > 1 && parts[2]?.startsWith('S') === true };
}

function settingsOf(fields: readonly string[]): Pick<GitStatus, 'author' | 'remotes'> {
  const settings = fields.map((field): [string, string] => {
    const [name = '', ...value] = field.split('\n');
    return [name, value.join('\n')];
  });
  const last = (name: string) => settings.findLast(([key]) => key === name)?.[1] ?? '';
  const [name, email] = [last('user.name'), last('user.email')];
  const remotes = settings.flatMap(([key]) => (key.startsWith('remote.') ? [key.slice('remote.'.length, -'.url'.length)] : []));
  return { author: name === '' || email === '' ? null : { name, email }, remotes: [...new Set(remotes)] };
}

/** What stopped half-way, in the order in which one may contain the other. */
const SIGNS: ReadonlyArray<[string, GitOperation]> = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisect'],
];

async function underway(folder: string): Promise<Pick<GitStatus, 'operation' | 'step' | 'message'>> {
  const operation = SIGNS.find(([sign]) => existsSync(join(folder, sign)))?.[1] ?? null;
  const [at, end] = [await readSmall(join(folder, 'rebase-merge/msgnum')), await readSmall(join(folder, 'rebase-merge/end'))];
  const proposed = (await readSmall(join(folder, 'MERGE_MSG'))) ?? (await readSmall(join(folder, 'SQUASH_MSG')));
  return {
    operation,
    step: at === null || end === null ? null : `${at.trim()} of ${end.trim()}`,
    message: proposed === null ? null : proposed.replaceAll(/^#.*\n?/gm, '').trim(),
  };
}
