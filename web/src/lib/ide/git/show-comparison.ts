import FileDiff from '@lucide/svelte/icons/file-diff';
import type { GitCommit, GitFile } from '@gatehouse/core/protocol/git-answers.ts';
import type { Ide } from '../ide.svelte.ts';
import { nameOf } from '../files/paths.ts';
import type { ChangeRow } from './changes.ts';
import type { Comparison } from './compared.ts';
import type { Repository } from './repository.svelte.ts';

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
