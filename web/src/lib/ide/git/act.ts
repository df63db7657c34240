import type { GitAction, KeptFile } from '@gatehouse/core/protocol/git.ts';
import { toast } from '#lib/toast.svelte.ts';
import { route } from '#lib/route.ts';
import type { Ide } from '../ide.svelte.ts';
import { nameOf } from '../files/paths.ts';
import type { ChangeRow } from './changes.ts';
import { openConflict } from './open-conflict.ts';
import { gitWords, GitProblem, type GitDone } from './remote-git.ts';
import type { Repository } from './repository.svelte.ts';

const UNDO_MS = 20_000;

/** Says why something did not work, with what helps against it. */
export function explain(ide: Ide, repository: Repository | null, what: string, thrown: unknown): void {
  const why = thrown instanceof GitProblem ? thrown.why : 'other';
  if (why === 'cancelled') return void toast(`${what}: cancelled`);
  if (why === 'identity') return void (ide.git.dialog = 'identity');
  const action = {
    credentials: { label: 'Git credentials', onClick: () => void window.open(route.accountGit(), '_blank', 'noopener') },
  }[why as string];
  const description = gitWords(thrown);
  if (why === 'conflicts') {
    toast.warning('There are conflicts to resolve', { description });
    ide.layout.showSide('git');
    if (repository !== null) openConflict(ide, repository);
  } else toast.error(what, { description, ...(action ? { action } : {}), duration: UNDO_MS });
  void repository?.refresh();
}

/** Does something, and explains it where it fails. @returns null where it did */
export async function attempt(ide: Ide, repository: Repository, title: string, work: GitAction): Promise<GitDone | null> {
  try {
    return await repository.run(title, work);
  } catch (thrown) {
    explain(ide, repository, `${title} did not work`, thrown);
    return null;
  }
}

const count = (number: number, noun: string) => `${number.toLocaleString('en-GB')} ${noun}${number === 1 ? '' : 's'}`;

export async function stage(ide: Ide, repository: Repository, rows: readonly ChangeRow[]): Promise<void> {
  const staged = rows.filter(({ group }) => group === 'staged');
  const paths = (some: readonly ChangeRow[]) => some.flatMap(({ path, from }) => (from === null ? [path] : [path, from]));
  try {
    const others = rows.filter(({ group }) => group !== 'staged');
    if (others.length > 0) await repository.runFor('Staging', 'stage', paths(others));
    if (staged.length > 0) await repository.runFor('Unstaging', 'unstage', paths(staged));
  } catch (thrown) {
    explain(ide, repository, 'Staging did not work', thrown);
  }
}

/** Drops changes of the worktree, and offers to take that back. */
export async function discardRows(ide: Ide, repository: Repository, rows: readonly ChangeRow[]): Promise<void> {
  const wanted = rows.filter(({ group }) => group === 'changes' || group === 'untracked');
  if (wanted.length === 0) return;
  try {
    const kept = await repository.runFor(
      'Discarding',
      'discard',
      wanted.map(({ path }) => path),
    );
    discarded(ide, repository, wanted.length === 1 ? `“${nameOf(wanted[0]?.path ?? '')}”` : count(wanted.length, 'file'), kept);
  } catch (thrown) {
    explain(ide, repository, 'Discarding did not work', thrown);
  }
}

/** Says what was discarded, and takes it back on demand. */
export function discarded(ide: Ide, repository: Repository, what: string, kept: KeptFile[]): void {
  const takeBack = () => void attempt(ide, repository, 'Putting it back', { action: 'put-back', files: kept });
  toast(`Changes of ${what} discarded`, { duration: UNDO_MS, action: { label: 'Undo', onClick: takeBack } });
}

/** Commits what is staged; everything, where nothing is. @returns whether it did */
export async function commit(ide: Ide, repository: Repository): Promise<boolean> {
  const { message, amend, signOff, rows } = repository;
  if (message.trim() === '') {
    toast('A commit needs a message that says why');
    ide.git.writing = true;
    return false;
  }
  const all = rows.staged.length === 0 && !amend;
  if (all && !(await saved(ide, repository))) return false;
  const isGoingOn = repository.status?.operation === 'rebase';
  const work: GitAction = isGoingOn && !amend ? { action: 'go-on' } : { action: 'commit', message, amend, signOff, all };
  const done = await attempt(ide, repository, 'Committing', work);
  if (done === null) return false;
  repository.amend = false;
  ide.tour.did('commit');
  if (done.sha === null) return true;
  const { sha } = done;
  const undo = () => void undoCommit(ide, repository, sha, message);
  toast.success(`Committed ${sha.slice(0, 7)}`, { action: { label: 'Undo', onClick: undo }, duration: UNDO_MS });
  return true;
}

/** Asks where open files are not saved that a commit of everything would leave out. @returns whether to go on */
async function saved(ide: Ide, repository: Repository): Promise<boolean> {
  const open = ide.documents.all.filter(({ dirty, path }) => dirty && ide.git.repositoryOf(path) === repository);
  const [first] = open;
  if (first === undefined) return true;
  const answer = await ide.prompts.ask({
    title: open.length === 1 ? `“${first.name}” is not saved` : `${count(open.length, 'file')} are not saved`,
    text: 'What is not saved is not in the commit.',
    choices: [
      { label: 'Commit without it', look: 'plain', value: 'without' },
      { label: 'Save and commit', look: 'primary', value: 'save' },
    ],
  });
  return answer === 'without' || (answer === 'save' && (await ide.editing.saveAll(open)));
}

async function undoCommit(ide: Ide, repository: Repository, sha: string, message: string): Promise<void> {
  if ((await attempt(ide, repository, 'Undoing the commit', { action: 'undo-commit', sha })) !== null) repository.message = message;
}

/** Amending begins with the message that there is. */
export async function setAmend(repository: Repository, amend: boolean): Promise<void> {
  repository.amend = amend;
  if (!amend || repository.message !== '' || (repository.status?.head ?? null) === null) return;
  const { subject, body } = await repository.remote.commit(repository.folder, 'HEAD');
  repository.message = body === '' ? subject : `${subject}\n\n${body}`;
}

/** Goes to a branch or commit; what is half-done here is stashed first, if that is wanted. */
export async function switchTo(ide: Ide, repository: Repository, to: string, detach = false): Promise<void> {
  const work: GitAction = { action: 'switch', to, detach };
  try {
    await repository.run(`Switching to ${to}`, work);
  } catch (thrown) {
    if (!(thrown instanceof GitProblem) || thrown.why !== 'dirty')
      return explain(ide, repository, `Switching to ${to} did not work`, thrown);
    const answer = await ide.prompts.ask({
      title: `Your changes are in the way of ${to}`,
      text: 'Files that you changed are others there. Stashed, your changes wait until you take them out again.',
      choices: [{ label: 'Stash and switch', look: 'primary', value: 'stash' }],
    });
    if (answer === null) return;
    const message = `Before switching to ${to}`;
    if ((await attempt(ide, repository, 'Stashing', { action: 'stash', message, untracked: true })) === null) return;
    if ((await attempt(ide, repository, `Switching to ${to}`, work)) !== null) toast('Your changes are stashed');
  }
}

/** Deletes a branch, asking where commits would be lost by it, and offers to bring it back. */
export async function deleteBranch(ide: Ide, repository: Repository, name: string): Promise<void> {
  const title = `Deleting ${name}`;
  try {
    told(await repository.run(title, { action: 'delete-branch', name, force: false }));
  } catch (thrown) {
    if (!(thrown instanceof GitProblem) || thrown.why !== 'unmerged') return explain(ide, repository, `${title} did not work`, thrown);
    const answer = await ide.prompts.ask({
      title: `Delete ${name} with its commits?`,
      text: 'It has commits that are on no other branch.',
      choices: [{ label: 'Delete', look: 'danger', value: 'delete' }],
    });
    if (answer === null) return;
    const done = await attempt(ide, repository, title, { action: 'delete-branch', name, force: true });
    if (done !== null) told(done);
  }
  function told({ sha }: GitDone) {
    const back = () => void attempt(ide, repository, `Bringing ${name} back`, { action: 'branch', name, from: sha, switchTo: false });
    toast(`Branch ${name} deleted`, { duration: UNDO_MS, action: { label: 'Undo', onClick: back } });
  }
}

export async function dropStash(ide: Ide, repository: Repository, stash: { index: number; sha: string; subject: string }): Promise<void> {
  const { index, sha, subject } = stash;
  if ((await attempt(ide, repository, 'Dropping the stash', { action: 'drop-stash', index, sha })) === null) return;
  const back = () => void attempt(ide, repository, 'Bringing it back', { action: 'restash', sha, message: subject });
  toast('Stash dropped', { description: subject, duration: UNDO_MS, action: { label: 'Undo', onClick: back } });
}
