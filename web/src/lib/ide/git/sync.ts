import type { GitStatus } from '@gatehouse/core/protocol/git-answers.ts';
import { toast } from '#lib/toast.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { attempt, explain } from './act.ts';
import { GitProblem } from './remote-git.ts';
import type { Repository } from './repository.svelte.ts';

const whyOf = (thrown: unknown) => (thrown instanceof GitProblem ? thrown.why : 'other');

export async function fetchAll(ide: Ide, repository: Repository): Promise<void> {
  if ((await attempt(ide, repository, 'Fetching', { action: 'fetch' })) !== null) toast.success('Fetched');
}

/** @returns whether the branch has what is there */
export async function pull(ide: Ide, repository: Repository): Promise<boolean> {
  try {
    await repository.run('Pulling', { action: 'pull', rebase: null });
  } catch (thrown) {
    if (whyOf(thrown) !== 'rejected') {
      explain(ide, repository, 'Pulling did not work', thrown);
      return false;
    }
    const answer = await ide.prompts.ask({
      title: 'How are the two branches to come together?',
      text: `Both have moved on. A merge keeps both lines and joins them by a commit; a rebase puts your commits behind theirs.`,
      choices: [
        { label: 'Rebase', look: 'plain', value: 'rebase' },
        { label: 'Merge', look: 'primary', value: 'merge' },
      ],
    });
    if (answer === null) return false;
    if ((await attempt(ide, repository, 'Pulling', { action: 'pull', rebase: answer === 'rebase' })) === null) return false;
  }
  toast.success('Pulled');
  return true;
}

/** Pushes; a branch without a counterpart gets one, and force is offered only once the server has refused. */
export async function push(ide: Ide, repository: Repository): Promise<boolean> {
  const { status } = repository;
  const remote = status?.upstream === null ? await remoteOf(ide, repository) : null;
  if (status?.upstream === null && remote === null) return false;
  try {
    await repository.run('Pushing', { action: 'push', remote, force: false });
  } catch (thrown) {
    if (whyOf(thrown) !== 'rejected') {
      explain(ide, repository, 'Pushing did not work', thrown);
      return false;
    }
    return refused(ide, repository);
  }
  ide.tour.did('push');
  toast.success(remote === null ? 'Pushed' : `Pushed to ${remote}, where this branch goes from now on`);
  return true;
}

async function refused(ide: Ide, repository: Repository): Promise<boolean> {
  const answer = await ide.prompts.ask({
    title: 'The server has commits that are not here',
    text: 'Pull them first. Forced, your branch takes the place of theirs, unless somebody has pushed since you last looked.',
    choices: [
      { label: 'Push by force', look: 'danger', value: 'force' },
      { label: 'Pull', look: 'primary', value: 'pull' },
    ],
  });
  if (answer === 'pull') return (await pull(ide, repository)) && push(ide, repository);
  if (answer !== 'force') return false;
  if ((await attempt(ide, repository, 'Pushing by force', { action: 'push', remote: null, force: true })) === null) return false;
  toast.success('Pushed by force');
  return true;
}

/** Where a branch is to go that has no counterpart yet. */
async function remoteOf(ide: Ide, repository: Repository): Promise<string | null> {
  const remotes = repository.status?.remotes ?? [];
  if (remotes.length === 0) {
    toast('There is nowhere to push to', { description: 'Add a remote in a terminal: git remote add origin <address>' });
    return null;
  }
  if (remotes.length === 1) return remotes[0] ?? null;
  return ide.prompts.ask({
    title: 'Where is this branch to be pushed?',
    text: 'It has no counterpart yet, and there are several remotes.',
    choices: remotes.slice(0, 5).map((value) => ({ label: value, look: value === 'origin' ? 'primary' : 'plain', value })),
  });
}

/** What a button says that brings a branch and its counterpart together; null: they are the same, or it has nowhere to go. */
export function waysOf({ branch, head, upstream, remotes, ahead, behind }: GitStatus): string | null {
  if (branch === null || head === null || remotes.length === 0) return null;
  if (upstream === null || ahead === null) return 'Push this branch';
  const commits = (count: number) => `${count.toLocaleString('en-GB')} ${count === 1 ? 'commit' : 'commits'}`;
  if ((behind ?? 0) > 0) return ahead > 0 ? `Pull ${behind}, push ${ahead}` : `Pull ${commits(behind ?? 0)}`;
  return ahead > 0 ? `Push ${commits(ahead)}` : null;
}

/** Takes what is there, then gives what is here. */
export async function sync(ide: Ide, repository: Repository): Promise<void> {
  const { status } = repository;
  if (status === null) return;
  if (status.upstream !== null && (status.behind ?? 0) > 0 && !(await pull(ide, repository))) return;
  if (status.upstream === null || (repository.status?.ahead ?? 0) > 0) await push(ide, repository);
  else await fetchAll(ide, repository);
}
