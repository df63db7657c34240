import { chmod, lstat, mkdir, readlink, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeptFile } from '@gatehouse/core/protocol/git.ts';
import { placeOf } from '../paths.ts';
import { GitRefused } from './failures.ts';
import type { Git } from './run.ts';
import { parseStatus } from './status.ts';

const MOST_KEPT = 100 * 1024 * 1024;

/** The changes of these files and of what lies in these folders. */
export async function changesOf(git: Git, paths: readonly string[]) {
  const out = await git.read(['status', '--porcelain=v2', '-z', '--untracked-files=all', '--no-renames', '--', ...paths]);
  return parseStatus(out, false).changes;
}

/** Keeps what is in files as objects of the repository, which git keeps for two weeks at least. */
export async function keepFiles(git: Git, paths: readonly string[]): Promise<KeptFile[]> {
  let left = MOST_KEPT;
  const kept: KeptFile[] = [];
  for (const path of paths) {
    const place = placeOf(git.folder, path);
    const stats = await lstat(place).catch(() => null);
    if (stats === null) {
      kept.push({ path, blob: null, mode: '100644' });
      continue;
    }
    left -= stats.size;
    if (left < 0) throw new GitRefused('other', 'This is more than 100 MB, and could not be taken back. Delete it in a terminal.');
    const isLink = stats.isSymbolicLink();
    if (!isLink && !stats.isFile()) throw new GitRefused('other', `${path} is neither a file nor a link`);
    const mode = isLink ? '120000' : (stats.mode & 0o100) === 0 ? '100644' : '100755';
    const how = isLink ? ['--stdin'] : ['--', path];
    const options = { changes: true, ...(isLink ? { input: await readlink(place, 'buffer') } : {}) };
    const blob = (await git.read(['hash-object', '-w', '--no-filters', ...how], options)).toString().trim();
    kept.push({ path, blob, mode });
  }
  return kept;
}

/** Takes the index's content of files, and removes those that are not in it. @returns what was there */
export async function discard(git: Git, paths: readonly string[]): Promise<KeptFile[]> {
  const changes = await changesOf(git, paths);
  if (changes.some(({ kind }) => kind === 'conflict')) throw new GitRefused('conflicts', 'Resolve the conflict, or abort what made it.');
  const untracked = changes.filter(({ kind }) => kind === 'untracked').map(({ path }) => path);
  const changed = changes.filter(({ kind, worktree, submodule }) => kind === 'changed' && worktree !== '.' && !submodule);
  const tracked = changed.map(({ path }) => path);
  const kept = await keepFiles(git, [...tracked, ...untracked]);
  if (tracked.length > 0)
    await git.read(['restore', '--worktree', '--pathspec-from-file=-', '--pathspec-file-nul'], {
      ...{ changes: true, input: Buffer.from(tracked.join('\0')) },
    });
  for (const path of untracked) await rm(placeOf(git.folder, path), { force: true });
  return kept;
}

/** Puts kept files back, unless something else is there by now. */
export async function putBack(git: Git, files: readonly KeptFile[]): Promise<void> {
  const changes = await changesOf(
    git,
    files.map(({ path }) => path),
  );
  const changed = changes.find(({ worktree }) => worktree !== '.');
  if (changed !== undefined) throw new GitRefused('changed', `${changed.path} has changed since, and stays as it is`);
  for (const { path, blob, mode } of files) {
    const place = placeOf(git.folder, path);
    if (blob === null) {
      await unlink(place).catch(() => undefined);
      continue;
    }
    const content = await git.read(['cat-file', 'blob', blob], { most: MOST_KEPT });
    await mkdir(dirname(place), { recursive: true });
    // Written through a link, it would be written somewhere else.
    if ((await lstat(place).catch(() => null))?.isSymbolicLink() === true) await unlink(place);
    if (mode === '120000') {
      await rm(place, { force: true });
      await symlink(content, place);
    } else {
      await writeFile(place, content);
      await chmod(place, mode === '100755' ? 0o755 : 0o644);
    }
  }
}
