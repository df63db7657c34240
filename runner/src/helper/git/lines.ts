import { writeFile } from 'node:fs/promises';
import type { GitAction, KeptFile, LineEdit } from '@gatehouse/core/protocol/git.ts';
import { placeOf } from '../paths.ts';
import { GitRefused } from './failures.ts';
import { keepFiles } from './keep.ts';
import type { Git } from './run.ts';
import { contentOf, versionOf, type Asked } from './show.ts';

type LinesAction = Extract<GitAction, { action: 'lines' }>;

const SIDES: Record<LinesAction['what'], [Asked['at'], Asked['at']]> = {
  stage: ['index', 'worktree'],
  unstage: ['commit', 'index'],
  discard: ['index', 'worktree'],
};

/**
 * Takes some lines of a file from one side to the other. Contents are put together and not patched, so that what comes
 * out is what was shown, whatever git's own idea of a hunk; filters and line ends are git's.
 */
export async function takeLines(git: Git, { what, path, old, new: seen, edits }: LinesAction): Promise<KeptFile[]> {
  const [from, to] = SIDES[what];
  const before = await contentOf(git, { path, at: from, commit: null });
  const after = await contentOf(git, { path, at: to, commit: null });
  if (versionOf(before) !== old || versionOf(after) !== seen)
    throw new GitRefused('changed', 'The file has changed since it was shown. Look at its changes again.');
  const [a, b] = [before ?? Buffer.alloc(0), after ?? Buffer.alloc(0)];
  const result = what === 'stage' ? replaceLines(a, b, edits) : replaceLines(b, a, edits.map(turned));
  if (what === 'discard') {
    if (before === null) throw new GitRefused('other', 'The file is not in the index: discard all of it');
    const kept = await keepFiles(git, [path]);
    await writeFile(placeOf(git.folder, path), result);
    return kept;
  }
  if (what === 'stage' && result.equals(b)) await git.read(['add', '--all', '--', path], { changes: true });
  else if (what === 'unstage' && result.equals(a)) await unstage(git, [path]);
  else await putIntoIndex(git, path, result);
  return [];
}

/** Takes files out of the index, as they are in HEAD; before the first commit there is nothing they could be in. */
export async function unstage(git: Git, paths: readonly string[]): Promise<void> {
  const input = { changes: true, input: Buffer.from(paths.join('\0')) };
  const from = ['--pathspec-from-file=-', '--pathspec-file-nul'];
  const { code } = await git.run(['rev-parse', '--verify', '--quiet', 'HEAD']);
  if (code === 0) await git.read(['reset', '--quiet', ...from], input);
  else await git.read(['rm', '-r', '--cached', '--quiet', ...from], input);
}

async function putIntoIndex(git: Git, path: string, content: Buffer): Promise<void> {
  const [mode = '100644'] = (await git.read(['ls-files', '--stage', '-z', '--', path])).toString().split(' ');
  const hash = ['hash-object', '-w', '--stdin', `--path=${path}`];
  const blob = (await git.read(hash, { changes: true, input: content })).toString().trim();
  await git.read(['update-index', '--add', '--cacheinfo', `${mode === '' ? '100644' : mode},${blob},${path}`], { changes: true });
}

const turned = ({ old, new: to }: LineEdit): LineEdit => ({ old: to, new: old });

/** `a` with some of its lines replaced by lines of `b`. Bytes stay what they are. */
export function replaceLines(a: Buffer, b: Buffer, edits: readonly LineEdit[]): Buffer {
  const [linesOfA, linesOfB] = [linesOf(a), linesOf(b)];
  const result: string[] = [];
  let at = 0;
  for (const { old, new: to } of [...edits].sort((x, y) => x.old[0] - y.old[0] || x.new[0] - y.new[0])) {
    if (old[0] < at || old[1] < old[0] || to[1] < to[0] || old[1] > linesOfA.length || to[1] > linesOfB.length)
      throw new GitRefused('other', 'There are no such lines');
    result.push(...linesOfA.slice(at, old[0]), ...linesOfB.slice(...to));
    at = old[1];
  }
  result.push(...linesOfA.slice(at));
  // The last line of a file may end without a break; in the middle it needs one.
  return Buffer.from(
    result.map((line, index) => (index < result.length - 1 && !line.endsWith('\n') ? `${line}\n` : line)).join(''),
    'latin1',
  );
}

/** With their ends; as bytes, one letter each. */
const linesOf = (content: Buffer): string[] => content.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? [];
