import { createHash } from 'node:crypto';
import { lstat, readFile, readlink } from 'node:fs/promises';
import type { GitShown } from '@gatehouse/core/protocol/git-answers.ts';
import { MOST_SHOWN } from '@gatehouse/core/protocol/git.ts';
import { ServiceFailure } from '../../service-failure.ts';
import { placeOf } from '../paths.ts';
import type { Git } from './run.ts';

const LOOK_FOR_NUL = 8 * 1024;
const NOTHING = Buffer.alloc(0);

export interface Asked {
  path: string;
  at: 'worktree' | 'index' | 'base' | 'ours' | 'theirs' | 'commit';
  commit: string | null;
}

export type Shown = Omit<GitShown, 'ok'> & { bytes: Buffer };

/** names a content, so that what is changed is what was seen */
export const versionOf = (bytes: Buffer | null): string =>
  bytes === null ? 'absent' : createHash('sha256').update(bytes).digest('hex').slice(0, 32);

const nothing = (why: GitShown['why'], size = 0): Shown => ({ size, version: versionOf(null), why, bytes: NOTHING });

/** A file as it is on one side, in the form that a checkout writes: line ends and filters as in the worktree. */
export async function show(git: Git, asked: Asked): Promise<Shown> {
  const found = asked.at === 'worktree' ? await fromWorktree(git, asked.path) : await fromGit(git, asked);
  if (!Buffer.isBuffer(found)) return found;
  const isBinary = found.subarray(0, LOOK_FOR_NUL).includes(0);
  return { size: found.byteLength, version: versionOf(found), why: isBinary ? 'binary' : null, bytes: isBinary ? NOTHING : found };
}

/** The content alone; null: there is none on that side. @throws ServiceFailure where it is none that lines can be taken of */
export async function contentOf(git: Git, asked: Asked): Promise<Buffer | null> {
  const { why, bytes } = await show(git, asked);
  if (why === 'absent') return null;
  if (why !== null) throw new ServiceFailure('invalid', 'Of this file only all or nothing can be taken');
  return bytes;
}

async function fromWorktree(git: Git, path: string): Promise<Buffer | Shown> {
  const place = placeOf(git.folder, path);
  const stats = await lstat(place).catch(() => null);
  if (stats === null) return nothing('absent');
  if (stats.isSymbolicLink()) return readlink(place, 'buffer');
  if (!stats.isFile()) return nothing('not-a-file');
  return stats.size > MOST_SHOWN ? nothing('too-large', stats.size) : readFile(place);
}

const STAGES = { index: ':0:', base: ':1:', ours: ':2:', theirs: ':3:' };

async function fromGit(git: Git, { path, at, commit }: Asked): Promise<Buffer | Shown> {
  if (path.split('/').includes('..')) throw new ServiceFailure('invalid', 'A path must not contain ".."');
  const named = at === 'commit' || at === 'worktree' ? `${commit ?? 'HEAD'}:${path}` : `${STAGES[at]}${path}`;
  const size = await git.run(['cat-file', '-s', named]);
  if (size.code !== 0) return nothing('absent');
  const bytes = Number(size.out.toString());
  if (bytes > MOST_SHOWN) return nothing('too-large', bytes);
  const content = await git.run(['cat-file', '--filters', named], { most: MOST_SHOWN });
  if (content.truncated) return nothing('too-large', bytes);
  return content.code === 0 ? content.out : nothing('not-a-file');
}
