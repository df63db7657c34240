import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../support/place.ts';
import { ttyd } from './ttyd.ts';
import type { System } from './system.ts';
import { wetty } from './wetty.ts';

const say = (text: string) => process.stdout.write(`\n  ${text}\n`);

/** Those that are there. They are no dependencies: what is missing is said loudly, and its columns stay empty. */
export async function startPeers({ peers }: { peers: boolean }): Promise<System[]> {
  const plain = await ttyd();
  if (!plain) say('ttyd IS NOT INSTALLED (apt-get install ttyd, or TTYD=path): no figures of it, and no ratios to it.');
  const folder = await packageFolder('wetty', '3.2.0', peers, ['node-pty']);
  if (folder === null) say('wetty IS NOT INSTALLED (npm run bench -- terminal --peers): no figures of it.');
  const isRoot = process.getuid?.() === 0;
  if (folder !== null && !isRoot) say('wetty opens a local shell only as root: no figures of it.');
  say('');
  return [...(plain ? [plain] : []), ...(folder !== null && isRoot ? [await wetty(folder)] : [])];
}

/**
 * Folder of a package that is installed apart from the repository's own, or null.
 * @param scripts names of packages in it that are built at their installation
 */
export async function packageFolder(name: string, version: string, install: boolean, scripts: string[]): Promise<string | null> {
  const home = join(ROOT, 'dist/peers', `${name}-${version}`);
  const folder = join(home, 'node_modules', name);
  const done = join(home, 'installed');
  if (existsSync(done)) return folder;
  if (!install) return null;
  say(`Installing ${name} ${version} …`);
  await mkdir(home, { recursive: true });
  const allowScripts = Object.fromEntries(scripts.map((each) => [each, true]));
  await writeFile(join(home, 'package.json'), JSON.stringify({ private: true, dependencies: { [name]: version }, allowScripts }));
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: home, encoding: 'utf8' });
  if (status !== 0) {
    say(`${name} could not be installed:\n${stderr.trim().split('\n').slice(-5).join('\n')}`);
    return null;
  }
  await writeFile(done, '');
  return folder;
}
