import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '../place.ts';

const AUTHOR = ['-c', 'user.name=Grace', '-c', 'user.email=grace@git.test', '-c', 'commit.gpgsign=false'];

/** Git of this machine, as somebody else. @returns what it printed */
export const gitIn = (folder: string, ...args: string[]): string =>
  execFileSync('git', [...AUTHOR, '-c', 'safe.directory=*', ...args], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export interface Project {
  /** an installed package; what its tarball holds is the first commit */
  name: string;
  /** what of it is left out */
  without?: readonly string[];
  /** files beside it, by path */
  files?: Readonly<Record<string, string>>;
  /** a bug: what stands in a file, and what in its place */
  bug?: readonly { path: string; is: string; becomes: string }[];
}

/** A bare repository of a package as npm delivered it, and of what is put beside it as a second commit. */
export function packProject(bare: string, { name, without = [], files = {}, bug = [] }: Project): void {
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-project-'));
  const source = join(ROOT, 'node_modules', name);
  const isSource = (path: string) => !path.slice(source.length).includes('node_modules');
  cpSync(source, work, { recursive: true, dereference: true, filter: isSource });
  for (const path of without) rmSync(join(work, path), { recursive: true, force: true });
  gitIn(work, 'init', '--quiet', '--initial-branch=main');
  commitAll(work, `${name}, as it was published`);
  for (const { path, is, becomes } of bug) {
    const text = readFileSync(join(work, path), 'utf8');
    if (!text.includes(is)) throw new Error(`${name}/${path} has changed: ${is} is not in it`);
    writeFileSync(join(work, path), text.replace(is, becomes));
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  commitAll(work, 'Tests');
  gitIn(work, 'clone', '--quiet', '--bare', work, bare);
  rmSync(work, { recursive: true });
}

/** This repository, as its last commit has it. */
export function packThis(bare: string): void {
  if (!existsSync(join(ROOT, '.git'))) throw new Error('The tests of the day need the repository itself, not an archive of it');
  gitIn(ROOT, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  // Wherever its HEAD is, it is the main branch there.
  gitIn(ROOT, 'push', '--quiet', bare, 'HEAD:refs/heads/main');
}

/** Somebody else changes a file and pushes. */
export function pushAsOther(bare: string, path: string, change: (text: string) => string, message: string): void {
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-other-'));
  gitIn(work, 'clone', '--quiet', bare, '.');
  writeFileSync(join(work, path), change(readFileSync(join(work, path), 'utf8')));
  commitAll(work, message);
  gitIn(work, 'push', '--quiet');
  rmSync(work, { recursive: true });
}

function commitAll(folder: string, message: string): void {
  gitIn(folder, 'add', '--all', '--force');
  gitIn(folder, 'commit', '--quiet', '--allow-empty', `--message=${message}`);
}
