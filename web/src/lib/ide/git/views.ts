import GitCommitVertical from '@lucide/svelte/icons/git-commit-vertical';
import GitGraph from '@lucide/svelte/icons/git-graph';
import type { AnyView, View } from '../editor/tab.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { nameOf } from '../files/paths.ts';
import type { Git } from './git.svelte.ts';
import type { Repository } from './repository.svelte.ts';

/** Opens the log. @param path of a file, to see its commits alone */
export function openLog(ide: Ide, repository: Repository, path = ''): void {
  ide.workbench.showView(logView(repository, path));
  ide.layout.show('editor');
}

/** The log of an earlier visit. @param memo the folder of its repository */
export function reviveLog(git: Git, memo: unknown): AnyView | null {
  const repository = git.repositories.find(({ folder }) => folder === memo);
  return repository === undefined ? null : logView(repository, '');
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
