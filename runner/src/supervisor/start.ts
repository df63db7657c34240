import { appLabel } from '@gatehouse/core/api/template-apps.ts';
import { bringDotfiles } from './dotfiles.ts';
import { hiding } from './hiding.ts';
import { messageOf } from '../failure.ts';
import { endOf, LAST_LINES, runProgram } from './run-program.ts';
import type { Start } from './start-order.ts';
import { StartFailure } from './start-failure.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import { GRACE_MS } from '../sandbox/helper-program.ts';
import { ProgressLines, clonePercent } from './progress.ts';

/** where a clone grows until it is whole, so that a killed one is never taken for the repository */
const UNFINISHED = '.gatehouse-clone';

/** Name of the folder that a repository is cloned into. */
export function folderOf(repository: string): string {
  const last = new URL(repository).pathname.split('/').filter(Boolean).at(-1) ?? '';
  const name = decodeURIComponent(last)
    .replace(/\.git$/, '')
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[.-]+/, '');
  return name === '' ? 'repository' : name.slice(0, 100);
}

/** The limit that it ran into, if any: a program that was killed does not know why. */
const troubleOf = (sandbox: Sandbox) => {
  const trouble = sandbox.trouble();
  return trouble === null ? '' : ` Before that, ${trouble.words}.`;
};

async function cloneRepository(start: Start, sandbox: Sandbox): Promise<void> {
  const { repository, branch } = start.order.spec;
  const folder = folderOf(repository);
  const { helper } = sandbox;
  const hide = hiding(start.order.secrets);
  if ((await helper.call({ method: 'files.stat', path: folder })).ok) return;
  await helper.call({ method: 'files.delete', path: UNFINISHED, recursive: true });
  start.progress('Cloning the repository', 10);
  start.log.line(`Cloning ${repository}${branch === '' ? '' : `, ${branch},`} into ${folder}\n`);
  const lines: string[] = [];
  let told = 0;
  const output = new ProgressLines(
    (raw) => {
      const line = hide(raw);
      lines.push(line);
      start.log.line(line);
    },
    (text) => {
      const percent = clonePercent(text);
      if (percent === null || percent < told + 20) return;
      told = percent;
      start.progress('Cloning the repository', 10 + Math.round(percent / 2));
    },
  );
  const argv = ['git', 'clone', '--progress', ...(branch === '' ? [] : [`--branch=${branch}`]), '--', repository, UNFINISHED];
  const { exit, last } = await runProgram(sandbox, argv, { GIT_TERMINAL_PROMPT: '0' }, output, lines);
  if (exit.code !== 0)
    throw new StartFailure('clone-failed', `Cloning the repository failed: git ${endOf(exit)}.${troubleOf(sandbox)}\n${last}`, exit.code);
  const moved = await helper.call({ method: 'files.rename', from: UNFINISHED, to: folder });
  if (!moved.ok) throw new StartFailure('clone-failed', `The clone could not be moved to ${folder}`);
}

async function runStartupScript(start: Start, sandbox: Sandbox): Promise<void> {
  if (start.order.spec.startupScript.trim() === '') return;
  start.progress('Running the start-up script', 70);
  start.log.line('Running the start-up script\n');
  const lines: string[] = [];
  const hide = hiding(start.order.secrets);
  const log = (raw: string) => {
    const line = hide(raw);
    lines.push(line);
    if (lines.length > 2 * LAST_LINES) lines.shift();
    start.log.line(line);
  };
  const output = new ProgressLines(log, log);
  const { exit, last } = await runProgram(sandbox, ['/bin/bash', sandbox.startupScript], {}, output, lines);
  if (exit.code !== 0)
    throw new StartFailure('start-script-failed', `The start-up script ${endOf(exit)}.${troubleOf(sandbox)}\n${last}`, exit.code);
}

/** Fetches the image that the template names. @throws StartFailure */
async function pullImage({ order, driver, log, signal, progress }: Start): Promise<void> {
  const { image } = order.spec;
  if (image === null || driver.pull === undefined) return;
  let told = 0;
  try {
    await driver.pull(
      image,
      (line, part) => {
        if (line !== null) log.line(line);
        const percent = 5 + Math.round(part * 5);
        if (percent > told) progress('Pulling the image', (told = percent));
      },
      signal,
    );
  } catch (error) {
    throw new StartFailure('root-file-system-failed', messageOf(error), null, error);
  }
}

/** The root file system that the template names, or null for the machine's own, or an image's. @throws StartFailure */
async function systemFor({ order, rootfs, log, signal, progress }: Start) {
  const wanted = order.spec.rootfs;
  if (order.spec.image !== null) return null;
  if (wanted === null) {
    log.line('Programs are those of the runner’s machine: the template names no root file system\n');
    return null;
  }
  try {
    const folder = await rootfs.use(
      wanted,
      (step, part) => {
        if (step === 'loading') progress('Loading the root file system', 5 + Math.round(part * 3));
        else progress('Unpacking the root file system', 8);
      },
      signal,
    );
    log.line(`Root file system ${wanted.digest}\n`);
    return { digest: wanted.digest, folder };
  } catch (error) {
    throw new StartFailure('root-file-system-failed', messageOf(error), null, error);
  }
}

/** Programs of web apps, which are kept running; nobody waits until they listen. */
async function startApps({ order, log }: Start, sandbox: Sandbox): Promise<void> {
  const apps = order.spec.apps.map(({ name, port, command }) => ({ label: appLabel(name), port, command }));
  const started = apps.filter(({ command }) => command.trim() !== '');
  if (started.length === 0) return;
  await sandbox.helper.call({ method: 'app.start', apps: started });
  for (const { label, port } of started) log.line(`Started ${label} on port ${port}; its log is .local/state/gatehouse/${label}.log\n`);
}

/**
 * Brings a workspace up: sandbox, clone and the owner's dotfiles at the first time, start-up script.
 * @throws StartFailure, also when the start is aborted; nothing of it runs then
 */
export async function startWorkspace(start: Start): Promise<Sandbox> {
  const { order, folder, driver, network, signal } = start;
  start.progress('Preparing the home', 5);
  const { workspaceId, name, owner, spec } = order;
  const { startupScript, limits } = spec;
  const environment = { ...(order.environment ?? spec.environment), ...order.secrets };
  await pullImage(start);
  const system = await systemFor(start);
  signal.throwIfAborted();
  const plan = { workspaceId, name, owner, folder, environment, startupScript, limits, rootfs: system, image: spec.image, network };
  const sandbox = await driver.start({ ...plan, graceMs: GRACE_MS });
  const cancel = () => void sandbox.stop();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    if (spec.repository !== '') await cloneRepository(start, sandbox);
    await bringDotfiles(start, sandbox);
    await runStartupScript(start, sandbox);
    signal.throwIfAborted();
    await startApps(start, sandbox);
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
