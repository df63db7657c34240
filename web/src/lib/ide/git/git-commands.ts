import type { Command } from '#lib/keys/commands.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { attempt, commit, discardRows, setAmend, stage } from './act.ts';
import { GROUPS } from './changes.ts';
import { showSource } from './show-source.ts';
import { fetchAll, pull, push } from './sync.ts';
import { markResolved } from './resolve.ts';
import { openChange } from './show-comparison.ts';
import { openLog } from './views.ts';

/** All that source control does, for the palette. */
export function gitCommands(ide: Ide): Command[] {
  const { git } = ide;
  const repository = git.current;
  const command = (id: string, label: string, run: () => unknown): Command => ({ id: `git-${id}`, label, group: 'Git', run });
  const always = [
    command('clone', 'Clone a repository', () => (git.dialog = 'clone')),
    command('find', 'Look for repositories again', () => git.connected()),
  ];
  if (repository === null) return always;
  const { rows, status } = repository;
  const path = ide.documents.active?.path ?? null;
  const own = path !== null && git.repositoryOf(path) === repository ? git.within(repository, path) : null;
  const changed = own === null ? undefined : GROUPS.flatMap((group) => rows[group]).find((row) => row.path === own);
  const unstaged = [...rows.changes, ...rows.untracked];
  const does = (title: string, action: 'go-on' | 'abort') => attempt(ide, repository, title, { action });
  return [
    ...always,
    command('commit', 'Commit', () => (repository.message.trim() === '' ? showSource(ide) : commit(ide, repository))),
    command('amend', 'Amend the last commit', async () => {
      showSource(ide);
      await setAmend(repository, true);
    }),
    command('stage-all', 'Stage all changes', () => stage(ide, repository, unstaged)),
    command('unstage-all', 'Unstage everything', () => stage(ide, repository, rows.staged)),
    command('discard-all', 'Discard all changes', () => discardRows(ide, repository, unstaged)),
    command('fetch', 'Fetch', () => fetchAll(ide, repository)),
    command('pull', 'Pull', () => pull(ide, repository)),
    command('push', 'Push', () => push(ide, repository)),
    command('stash', 'Stash changes', () => (git.dialog = 'stash')),
    command('identity', 'Say who commits', () => (git.dialog = 'identity')),
    command('log', 'Log', () => openLog(ide, repository)),
    command('blame', git.annotates ? 'Hide who wrote each line' : 'Show who wrote each line', () => (git.annotates = !git.annotates)),
    command(
      'blame-line',
      ide.settings.now.blame ? 'Do not show who wrote the line of the cursor' : 'Show who wrote the line of the cursor',
      () => ide.settings.choose({ blame: !ide.settings.now.blame }),
    ),
    ...(own === null ? [] : [command('log-file', 'Log of this file', () => openLog(ide, repository, own))]),
    ...(changed?.group === 'conflicts' && ide.documents.active !== null
      ? [command('resolve', 'Mark this file as resolved', () => ide.documents.active !== null && markResolved(ide, ide.documents.active))]
      : []),
    ...(changed === undefined ? [] : [command('diff', 'Changes of this file', () => openChange(ide, repository, changed, true))]),
    ...(status === null || status.operation === null
      ? []
      : [
          command('go-on', `Continue the ${status.operation}`, () => does('Going on', 'go-on')),
          command('abort', `Abort the ${status.operation}`, () => does('Aborting', 'abort')),
        ]),
  ];
}
