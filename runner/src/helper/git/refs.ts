import type { GitRef, GitRefs, GitStash } from '@gatehouse/core/protocol/git-answers.ts';
import { MOST_REFS } from '@gatehouse/core/protocol/git.ts';
import { fieldsOf, type Git } from './run.ts';

const KINDS: ReadonlyArray<[string, GitRef['kind']]> = [
  ['refs/heads/', 'branch'],
  ['refs/remotes/', 'remote'],
  ['refs/tags/', 'tag'],
];
/** A tag that is an object of its own stands for the commit that it names. */
const FORMAT = ['refname', 'objectname', '*objectname', 'HEAD', 'upstream:short', 'upstream:track,nobracket', 'creatordate:unix', 'subject']
  .map((field) => `%(${field})`)
  .join('%00');

/** Branches, tags and stashes, the newest first. */
export async function readRefs(git: Git): Promise<GitRefs> {
  const [listed, stashes] = await Promise.all([
    git.read([
      ...['for-each-ref', '--sort=-creatordate', `--count=${MOST_REFS + 1}`, `--format=${FORMAT}%00`],
      ...['--', 'refs/heads', 'refs/remotes', 'refs/tags'],
    ]),
    readStashes(git),
  ]);
  const fields = fieldsOf(listed);
  const refs: GitRef[] = [];
  for (let at = 0; at + 8 <= fields.length; at += 8) {
    const [ref = '', sha = '', peeled = '', head, upstream = '', track = '', time, subject = ''] = fields.slice(at, at + 8);
    const full = ref.replace(/^\n/, '');
    const [prefix = '', kind] = KINDS.find(([start]) => full.startsWith(start)) ?? [];
    // Where the remote's own HEAD points to is no branch.
    if (kind === undefined || (kind === 'remote' && full.endsWith('/HEAD'))) continue;
    refs.push({
      ...{ name: full.slice(prefix.length), kind, sha: peeled === '' ? sha : peeled, time: Number(time), subject },
      ...{ current: head === '*', upstream: upstream === '' ? null : upstream, track },
    });
  }
  return { refs: refs.slice(0, MOST_REFS), truncated: refs.length > MOST_REFS, stashes };
}

async function readStashes(git: Git): Promise<GitStash[]> {
  const { out } = await git.run(['stash', 'list', '-z', '--max-count=200', '--format=%H%x00%ct%x00%gs']);
  const fields = fieldsOf(out);
  return Array.from({ length: Math.floor(fields.length / 3) }, (_, index) => ({
    ...{ index, sha: fields[index * 3] ?? '', time: Number(fields[index * 3 + 1]) },
    subject: fields[index * 3 + 2] ?? '',
  }));
}
