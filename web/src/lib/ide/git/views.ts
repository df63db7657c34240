import FileDiff from '@lucide/svelte/icons/file-diff';
import GitCommitVertical from '@lucide/svelte/icons/git-commit-vertical';
import GitGraph from '@lucide/svelte/icons/git-graph';
import type { GitCommit, GitFile } from '@gatehouse/core/protocol/git-answers.ts';
import type { View } from '../editor/tab.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { nameOf } from '../files/paths.ts';
import type { ChangeRow } from './changes.ts';
import type { Git } from './git.svelte.ts';
import type { Repository } from './repository.svelte.ts';
import type { Side } from './remote-git.ts';

/** What a comparison compares, and what may be done with it. */
export interface Comparison {
  repository: Repository;
  path: string;
  /** null: there was nothing */
  old: { path: string; at: Side; commit: string | null } | null;
  new: { at: Side; commit: string | null };
  /** lines may be staged and discarded, or unstaged; null: it is only looked at */
  takes: 'stage' | 'unstage' | null;
  /** it gets the keyboard once it is there */
  focus: boolean;
}

/** Opens what changed in a file of the panel; a conflict opens in the editor, where it is resolved. @param focus it gets the keyboard */
export function openChange(ide: Ide, repository: Repository, row: ChangeRow, focus = false): void {
  const preview = !focus;
  if (row.group === 'conflicts') return ide.openFile(repository.full(row.path), focus ? { line: 1, from: 0, to: 0 } : null, { preview });
  const staged = row.group === 'staged';
  showComparison(ide, preview, staged ? 'staged' : 'changes', {
    repository,
    path: row.path,
    old: { path: row.from ?? row.path, at: staged ? 'commit' : 'index', commit: null },
    new: { at: staged ? 'index' : 'worktree', commit: null },
    takes: staged ? 'unstage' : 'stage',
    focus,
  });
}

/** Opens what a commit changed in a file, against its first parent. */
export function openCommitted(ide: Ide, repository: Repository, { sha, parents: [parent] }: GitCommit, file: GitFile): void {
  showComparison(ide, true, sha.slice(0, 7), {
    repository,
    path: file.path,
    old: parent === undefined ? null : { path: file.from ?? file.path, at: 'commit', commit: parent },
    new: { at: 'commit', commit: sha },
    takes: null,
    focus: false,
  });
}

function showComparison(ide: Ide, preview: boolean, word: string, comparison: Comparison): void {
  const { repository, path } = comparison;
  ide.workbench.showView(
    {
      id: `diff:${word}:${repository.full(path)}`,
      kind: 'git-diff',
      title: `${nameOf(path)} (${word})`,
      hint: `${repository.full(path)}, ${word}`,
      icon: FileDiff,
      load: () => import('./DiffView.svelte'),
      props: { comparison },
    },
    { preview },
  );
  ide.layout.show('editor');
}

/** Opens the log. @param path of a file, to see its commits alone */
export function openLog(ide: Ide, repository: Repository, path = ''): void {
  ide.workbench.showView(logView(repository, path));
  ide.layout.show('editor');
}

/** The log of an earlier visit. @param memo the folder of its repository */
export function reviveLog(git: Git, memo: unknown): View<object> | null {
  const repository = git.repositories.find(({ folder }) => folder === memo);
  // the tab hands its component the props that came with it, whatever they are
  return repository === undefined ? null : (logView(repository, '') as unknown as View<object>);
}

const logView = (repository: Repository, path: string): View<{ repository: Repository; path: string }> => ({
  id: `log:${repository.folder}:${path}`,
  kind: 'git-log',
  title: path === '' ? 'Log' : `Log of ${nameOf(path)}`,
  hint: path === '' ? `Log of ${repository.name}` : `Log of ${repository.full(path)}`,
  icon: GitGraph,
  load: () => import('./LogView.svelte'),
  props: { repository, path },
  ...(path === '' ? { memo: repository.folder } : {}),
});

/** Opens one commit: its message, and what it changed. */
export function openCommit(ide: Ide, repository: Repository, sha: string): void {
  ide.workbench.showView(
    {
      id: `commit:${repository.folder}:${sha}`,
      kind: 'git-commit',
      title: sha.slice(0, 7),
      hint: `Commit ${sha.slice(0, 7)} of ${repository.name}`,
      icon: GitCommitVertical,
      load: () => import('./CommitView.svelte'),
      props: { repository, sha },
    },
    { preview: true },
  );
  ide.layout.show('editor');
}
