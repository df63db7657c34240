import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { GitRepositories } from '@gatehouse/core/protocol/git-answers.ts';
import { MOST_REPOSITORIES } from '@gatehouse/core/protocol/git.ts';
import type { Git } from './run.ts';

const MOST_FOLDERS = 4000;
const MOST_DEPTH = 6;
/** much in them, and nothing that somebody works on */
const PASSED_OVER = /^(\..*|node_modules|vendor|target|dist|build)$/;

/** Repositories of the workspace: its root, and what lies below, the nearest first. */
export async function findRepositories(root: string, git: Git): Promise<GitRepositories> {
  const repositories: string[] = [];
  let folders = [root];
  let left = MOST_FOLDERS;
  let truncated = false;
  for (let depth = 0; depth <= MOST_DEPTH && folders.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of folders) {
      if (left-- <= 0 || git.cancelled) {
        truncated = true;
        break;
      }
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      const own = entries.find(({ name }) => name === '.git');
      // A file leads to where a submodule or another worktree keeps it.
      if (own?.isFile() === true || (own !== undefined && existsSync(join(folder, '.git/HEAD')))) repositories.push(relative(root, folder));
      next.push(...entries.filter((each) => each.isDirectory() && !PASSED_OVER.test(each.name)).map(({ name }) => join(folder, name)));
    }
    folders = next.sort();
  }
  return {
    git: await versionOf(git),
    repositories: repositories.slice(0, MOST_REPOSITORIES),
    truncated: truncated || repositories.length > MOST_REPOSITORIES,
  };
}

async function versionOf(git: Git): Promise<string | null> {
  try {
    return (await git.read(['--version'])).toString().trim().replace('git version ', '');
  } catch {
    return null;
  }
}
