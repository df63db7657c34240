import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import { hiding } from './hiding.ts';
import type { BuildLog } from '../control/build-log.ts';
import { programExit, type ProgramExit } from '../channel/requests.ts';
import type { Sandbox, SandboxDriver } from '../sandbox/driver.ts';
import { GRACE_MS } from '../sandbox/helper-program.ts';
import { ProgressLines, clonePercent } from './progress.ts';

const LAST_LINES = 8;
/** where a clone grows until it is whole, so that a killed one is never taken for the repository */
const UNFINISHED = '.gatehouse-clone';

/** A start that did not work out, in words for the person who asked for it. */
export class StartFailure extends Error {
  readonly exitCode: number | undefined;

  constructor(message: string, exitCode?: number) {
    super(message);
    this.name = 'StartFailure';
    this.exitCode = exitCode;
  }
}

export interface Start {
  order: WorkspaceOrder;
  folder: string;
  driver: SandboxDriver;
  log: BuildLog;
  /** aborted when the start is not wanted any more */
  signal: AbortSignal;
  progress(step: string, percent: number): void;
}

/** Name of the folder that a repository is cloned into. */
export function folderOf(repository: string): string {
  const last = new URL(repository).pathname.split('/').filter(Boolean).at(-1) ?? '';
  const name = decodeURIComponent(last)
    .replace(/\.git$/, '')
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[.-]+/, '');
  return name === '' ? 'repository' : name.slice(0, 100);
}

/** Runs a program in the sandbox. @returns how it ended and the last lines it printed */
export function runProgram(sandbox: Sandbox, argv: string[], environment: Record<string, string>, output: ProgressLines, lines: string[]) {
  return new Promise<{ exit: ProgramExit; last: string }>((resolve, reject) => {
    let exit: ProgramExit = { kind: 'exit', code: null, signal: null };
    sandbox.helper.open(
      { method: 'task.run', argv, environment },
      {
        head: (head) => {
          if (!head.ok) reject(new StartFailure('message' in head ? String(head.message) : 'The program could not start'));
        },
        data: (bytes) => output.push(bytes),
        message: (value) => (exit = programExit.parse(value)),
        fin: () => {
          output.end();
          resolve({ exit, last: lines.slice(-LAST_LINES).join('').trim() });
        },
        gone: () => reject(new StartFailure('The sandbox ended unexpectedly')),
      },
    );
  });
}

const endOf = ({ code, signal }: ProgramExit) => (signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}`);

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
  if (exit.code !== 0) throw new StartFailure(`Cloning the repository failed: git ${endOf(exit)}.\n${last}`, exit.code ?? undefined);
  const moved = await helper.call({ method: 'files.rename', from: UNFINISHED, to: folder });
  if (!moved.ok) throw new StartFailure(`The clone could not be moved to ${folder}`);
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
  if (exit.code !== 0) throw new StartFailure(`The start-up script ${endOf(exit)}.\n${last}`, exit.code ?? undefined);
}

/**
 * Brings a workspace up: sandbox, clone at the first time, start-up script.
 * @throws StartFailure, also when the start is aborted; nothing of it runs then
 */
export async function startWorkspace(start: Start): Promise<Sandbox> {
  const { order, folder, driver, signal } = start;
  start.progress('Preparing the home', 5);
  const { workspaceId, name, owner, spec } = order;
  const { startupScript } = spec;
  const environment = { ...(order.environment ?? spec.environment), ...order.secrets };
  const sandbox = await driver.start({ workspaceId, name, owner, folder, environment, startupScript, graceMs: GRACE_MS });
  const cancel = () => void sandbox.stop();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    if (spec.repository !== '') await cloneRepository(start, sandbox);
    await runStartupScript(start, sandbox);
    signal.throwIfAborted();
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
