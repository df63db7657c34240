import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CODE_SERVER_VERSION } from '@gatehouse/core/api/template-starters.ts';
import { freePort } from '../../support/place.ts';
import { until } from '../measure.ts';

/** Some 600 MB, which neither the repository nor its clean-up shall have. */
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gatehouse-bench', `code-server-${CODE_SERVER_VERSION}`);
const PROGRAM = join(CACHE, 'node_modules/code-server');
const DONE = join(CACHE, 'installed');
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'security.workspace.trust.enabled': false,
  'terminal.integrated.gpuAcceleration': 'off',
  'telemetry.telemetryLevel': 'off',
};

export interface CodeServer {
  /** the address of its page for the folder */
  address: string;
  stop(): Promise<void>;
}

/**
 * VS Code in the browser, as the Node starter template runs it, on a copy of a folder.
 * @param install where it is not there yet
 * @returns null where it is not installed, which is said
 */
export async function startCodeServer(folder: string, install: boolean): Promise<CodeServer | null> {
  if (!existsSync(DONE) && !(install && (await installed()))) {
    process.stdout.write('\n  code-server IS NOT INSTALLED (npm run bench -- ide --peers): no figures of it.\n\n');
    return null;
  }
  const state = await mkdtemp(join(tmpdir(), 'code-server-'));
  const work = join(state, 'work');
  await cp(folder, work, { recursive: true });
  await mkdir(join(state, 'data/User'), { recursive: true });
  await writeFile(join(state, 'data/User/settings.json'), JSON.stringify(SETTINGS));
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      join(PROGRAM, 'out/node/entry.js'),
      ...['--auth', 'none', '--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'],
      ...['--bind-addr', `127.0.0.1:${port}`, '--user-data-dir', join(state, 'data'), '--extensions-dir', join(state, 'extensions')],
      work,
    ],
    { stdio: 'ignore', env: { ...process.env, HOME: work, XDG_CONFIG_HOME: join(state, 'config') } },
  );
  const stop = async () => {
    await ended(child);
    await rm(state, { recursive: true, force: true });
  };
  const origin = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${origin}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('code-server answers', answers, 50).catch(async (late: unknown) => {
    await stop();
    throw late;
  });
  return { address: `${origin}/?folder=${encodeURIComponent(work)}`, stop };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** Three packages, none of whose install scripts is needed. */
async function installed(): Promise<boolean> {
  process.stdout.write(`\n  Installing code-server ${CODE_SERVER_VERSION} into ${CACHE} …\n`);
  await mkdir(CACHE, { recursive: true });
  await writeFile(join(CACHE, 'package.json'), '{}');
  const vscode = join(PROGRAM, 'lib/vscode');
  for (const [cwd, ...more] of [
    [CACHE, `code-server@${CODE_SERVER_VERSION}`],
    [vscode, '--omit=dev'],
    [join(vscode, 'extensions'), '--omit=dev'],
  ] as const) {
    const { status, stderr } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...more], {
      cwd,
      encoding: 'utf8',
    });
    if (status === 0) continue;
    process.stdout.write(`  It could not be installed:\n${stderr.trim().split('\n').slice(-5).join('\n')}\n`);
    return false;
  }
  await writeFile(DONE, '');
  return true;
}
