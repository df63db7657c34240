import type { GitChange } from '@gatehouse/core/protocol/git-answers.ts';

/** How a file stands to git, for whoever shows files. */
export type GitState = 'modified' | 'added' | 'untracked' | 'deleted' | 'conflict' | 'ignored';

export const GROUPS = ['conflicts', 'staged', 'changes', 'untracked'] as const;
export type ChangeGroup = (typeof GROUPS)[number];
export const GROUP_NAMES: Record<ChangeGroup, string> = {
  conflicts: 'Conflicts',
  staged: 'Staged',
  changes: 'Changes',
  untracked: 'Untracked',
};

/** A line of the panel: a file may stand in two groups, with what is staged of it and with what is not. */
export interface ChangeRow {
  group: ChangeGroup;
  path: string;
  from: string | null;
  letter: string;
  state: GitState;
  submodule: boolean;
}

/** What changed, in groups. */
export function rowsOf(changes: readonly GitChange[]): Record<ChangeGroup, ChangeRow[]> {
  const rows: Record<ChangeGroup, ChangeRow[]> = { conflicts: [], staged: [], changes: [], untracked: [] };
  for (const { path, kind, index, worktree, from, submodule } of changes) {
    const row = (group: ChangeGroup, letter: string, origin: string | null = null) =>
      rows[group].push({ group, path, from: origin, letter, state: stateOf(kind, letter), submodule });
    if (kind === 'conflict') row('conflicts', '!');
    else if (kind === 'untracked') row('untracked', 'U');
    else if (kind === 'changed') {
      if (index !== '.') row('staged', index, from);
      if (worktree !== '.') row('changes', worktree);
    }
  }
  return rows;
}

function stateOf(kind: GitChange['kind'], letter: string): GitState {
  if (kind === 'conflict' || kind === 'untracked' || kind === 'ignored') return kind;
  return letter === 'D' ? 'deleted' : letter === 'A' || letter === 'C' ? 'added' : 'modified';
}

export const STATE_WORDS: Record<GitState, string> = {
  modified: 'modified',
  added: 'added',
  untracked: 'not tracked yet',
  deleted: 'deleted',
  conflict: 'in conflict',
  ignored: 'ignored',
};

/** the one that a folder takes of what is in it, the weightiest first */
const WEIGHT: readonly GitState[] = ['conflict', 'modified', 'added', 'untracked', 'deleted'];

/** How each file stands, and each folder with something changed in it. Paths are relative to the repository. */
export function statesOf(changes: readonly GitChange[]): Map<string, GitState> {
  const states = new Map<string, GitState>();
  for (const { path, kind, index, worktree } of changes) {
    const state = stateOf(kind, worktree === '.' ? index : worktree);
    states.set(path.replace(/\/$/, ''), state);
    if (state === 'ignored') continue;
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at);
      const known = states.get(folder);
      const seen = state === 'deleted' ? 'modified' : state;
      if (known === undefined || WEIGHT.indexOf(seen) < WEIGHT.indexOf(known)) states.set(folder, seen);
    }
  }
  return states;
}
