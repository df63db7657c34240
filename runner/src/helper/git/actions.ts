import { lstat } from 'node:fs/promises';
import type { GitAction, KeptFile } from '@gatehouse/core/protocol/git.ts';
import { placeOf } from '../paths.ts';
import { failureOf, GitRefused } from './failures.ts';
import { discard, putBack } from './keep.ts';
import { takeLines, unstage } from './lines.ts';
import type { Git } from './run.ts';
import { readStatus } from './status.ts';

/** What undoes it needs: files that were there, or the commit that was. */
export interface Outcome {
  kept?: KeptFile[];
  sha?: string | null;
}
type Hear = (text: string) => void;

/** Runs git to change something. @throws GitRefused with what it means that it did not */
async function change(git: Git, hear: Hear, args: readonly string[], input?: string): Promise<string> {
  const { code, out, said } = await git.run(args, { changes: true, hear, ...(input === undefined ? {} : { input: Buffer.from(input) }) });
  const printed = out.toString();
  if (code !== 0) throw failureOf(`${printed}\n${said}`);
  hear(printed);
  return printed;
}

const NAMED = ['--pathspec-from-file=-', '--pathspec-file-nul'];

/** @param repo the folder that `git` runs in, or that a clone is to make */
export async function act(git: Git, root: string, repo: string, work: GitAction, hear: Hear): Promise<Outcome> {
  const does = (...args: string[]) => change(git, hear, args);
  switch (work.action) {
    case 'init':
      await does('init', '--quiet');
      return {};
    case 'clone':
      return clone(git, hear, placeOf(root, repo), work.url);
    case 'stage':
      await change(git, hear, ['add', '--all', ...NAMED], work.paths.join('\0'));
      return {};
    case 'unstage':
      await unstage(git, work.paths);
      return {};
    case 'discard':
      return { kept: await discard(git, work.paths) };
    case 'lines':
      return { kept: await takeLines(git, work) };
    case 'put-back':
      await putBack(git, work.files);
      return {};
    case 'identity':
      await does('config', '--global', 'user.name', work.name);
      await does('config', '--global', 'user.email', work.email);
      return {};
    case 'fetch':
      await does('fetch', '--all', '--progress');
      return {};
    case 'pull':
      if (work.rebase !== false) await does('pull', '--progress', ...(work.rebase === true ? ['--rebase'] : []));
      else {
        await does('fetch', '--progress');
        // By its name: a merge that pull makes is called after the address that git was led to, and its side after a commit.
        await does('merge', '--no-edit', (await git.read(['rev-parse', '--abbrev-ref', '@{upstream}'])).toString().trim());
      }
      return {};
    case 'push':
      return push(git, hear, work);
    case 'commit':
    case 'undo-commit':
      return commit(git, hear, work);
    case 'branch':
    case 'switch':
    case 'rename-branch':
    case 'delete-branch':
      return changeBranch(git, hear, work);
    case 'stash':
    case 'unstash':
    case 'drop-stash':
    case 'restash':
      return changeStash(git, hear, work);
    default:
      return bringTogether(git, hear, work);
  }
}

type Of<A extends GitAction['action']> = Extract<GitAction, { action: A }>;

async function clone(git: Git, hear: Hear, folder: string, url: string): Promise<Outcome> {
  if ((await lstat(folder).catch(() => null)) !== null) throw new GitRefused('other', 'There is already something in that folder');
  await change(git, hear, ['clone', '--progress', '--', url, folder]);
  return {};
}

async function push(git: Git, hear: Hear, { remote, force }: Of<'push'>): Promise<Outcome> {
  const how = force ? ['--force-with-lease', '--force-if-includes'] : [];
  await change(git, hear, ['push', '--progress', ...how, ...(remote === null ? [] : ['--set-upstream', '--', remote, 'HEAD'])]);
  return {};
}

const headOf = async (git: Git): Promise<string> => (await git.read(['rev-parse', '--verify', 'HEAD'])).toString().trim();

async function commit(git: Git, hear: Hear, work: Of<'commit' | 'undo-commit'>): Promise<Outcome> {
  if (work.action === 'undo-commit') {
    if ((await headOf(git)) !== work.sha) throw new GitRefused('changed', 'There are newer commits: this one is not the last any more');
    const { code } = await git.run(['rev-parse', '--verify', '--quiet', 'HEAD~1']);
    await change(git, hear, code === 0 ? ['reset', '--soft', 'HEAD~1'] : ['update-ref', '-d', 'HEAD']);
    return {};
  }
  if (work.all) {
    if ((await git.read(['ls-files', '--unmerged', '-z'])).byteLength > 0)
      throw new GitRefused('conflicts', 'There are conflicts that are not resolved');
    await change(git, hear, ['add', '--all']);
  }
  const how = [...(work.amend ? ['--amend'] : []), ...(work.signOff ? ['--signoff'] : [])];
  await change(git, hear, ['commit', '--quiet', '--file=-', ...how], work.message);
  return { sha: await headOf(git) };
}

async function changeBranch(git: Git, hear: Hear, work: Of<'branch' | 'switch' | 'rename-branch' | 'delete-branch'>): Promise<Outcome> {
  const does = (...args: string[]) => change(git, hear, args);
  switch (work.action) {
    case 'branch': {
      const from = work.from === null ? [] : [work.from];
      await (work.switchTo ? does('switch', '--create', work.name, ...from) : does('branch', '--', work.name, ...from));
      return {};
    }
    case 'switch':
      await does('switch', ...(work.detach ? ['--detach'] : []), work.to);
      return {};
    case 'rename-branch':
      await does('branch', '--move', '--', work.from, work.to);
      return {};
    case 'delete-branch': {
      const sha = (await git.read(['rev-parse', '--verify', `refs/heads/${work.name}`])).toString().trim();
      await does('branch', '--delete', ...(work.force ? ['--force'] : []), '--', work.name);
      return { sha };
    }
  }
}

async function changeStash(git: Git, hear: Hear, work: Of<'stash' | 'unstash' | 'drop-stash' | 'restash'>): Promise<Outcome> {
  const does = (...args: string[]) => change(git, hear, args);
  if (work.action === 'stash') {
    const how = [...(work.untracked ? ['--include-untracked'] : []), ...(work.message === '' ? [] : [`--message=${work.message}`])];
    const printed = await does('stash', 'push', ...how);
    if (printed.startsWith('No local changes')) throw new GitRefused('nothing', 'There is nothing to stash: nothing has changed.');
    return {};
  }
  if (work.action === 'restash') {
    await does('stash', 'store', `--message=${work.message}`, work.sha);
    return {};
  }
  const name = `stash@{${work.index}}`;
  const { out } = await git.run(['rev-parse', '--verify', '--quiet', name]);
  if (out.toString().trim() !== work.sha) throw new GitRefused('changed', 'The stashes have changed since they were shown');
  if (work.action === 'drop-stash') await does('stash', 'drop', '--quiet', name);
  else await does('stash', work.drop ? 'pop' : 'apply', '--quiet', name);
  return { sha: work.sha };
}

/** Merge, rebase and what is like them: they may stop at conflicts, and are then gone on with, or not. */
async function bringTogether(
  git: Git,
  hear: Hear,
  work: Of<'merge' | 'rebase' | 'cherry-pick' | 'revert' | 'go-on' | 'skip' | 'abort'>,
): Promise<Outcome> {
  const does = (...args: string[]) => change(git, hear, args);
  switch (work.action) {
    case 'merge':
      await does('merge', '--no-edit', '--', work.from);
      return {};
    case 'rebase':
      await does('rebase', '--', work.onto);
      return {};
    case 'cherry-pick':
      await does('cherry-pick', ...(await parentOf(git, work.commit)), work.commit);
      return {};
    case 'revert':
      await does('revert', '--no-edit', ...(await parentOf(git, work.commit)), work.commit);
      return {};
    default: {
      const { operation } = await readStatus(git);
      if (operation === null) throw new GitRefused('nothing', 'Nothing is under way any more');
      if (operation === 'bisect') await does('bisect', work.action === 'skip' ? 'skip' : 'reset');
      else await does(operation, { 'go-on': '--continue', skip: '--skip', abort: '--abort' }[work.action]);
      return {};
    }
  }
}

/** A merge is taken as what it brought to its first parent. */
async function parentOf(git: Git, commit: string): Promise<string[]> {
  const { code } = await git.run(['rev-parse', '--verify', '--quiet', `${commit}^2`]);
  return code === 0 ? ['--mainline=1'] : [];
}
