import type { GitBlame } from '@gatehouse/core/protocol/git-answers.ts';
import type { Git } from './run.ts';

const MOST_BYTES = 32 * 1024 * 1024;

/** Who wrote which lines of a file in the worktree: one JSON line for each run of them. */
export async function blame(git: Git, path: string): Promise<Buffer> {
  const out = await git.read(['blame', '--incremental', '--encoding=UTF-8', '--', path], { most: MOST_BYTES });
  return Buffer.from(
    runsOf(out.toString())
      .map((run) => `${JSON.stringify(run)}\n`)
      .join(''),
  );
}

/** Git's incremental form: "<sha> <line there> <line here> <count>", what is known of the commit the first time, and its file's name. */
export function runsOf(told: string): GitBlame[] {
  const runs: GitBlame[] = [];
  let who: Record<string, string> = {};
  for (const line of told.split('\n')) {
    const [, sha, at, count] = /^([0-9a-f]{40,64}) \d+ (\d+) (\d+)$/.exec(line) ?? [];
    if (sha !== undefined) {
      who = {};
      runs.push({ sha, line: Number(at), count: Number(count), who: null });
      continue;
    }
    const [name = '', ...rest] = line.split(' ');
    who[name] = rest.join(' ');
    const last = runs.at(-1);
    if (name === 'filename' && last !== undefined && who['author'] !== undefined)
      last.who = { author: who['author'], time: Number(who['author-time']), summary: who['summary'] ?? '' };
  }
  return runs;
}
