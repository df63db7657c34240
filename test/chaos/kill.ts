import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { runRunner } from '../../scripts/local-runner.ts';
import { ROOT } from '../support/place.ts';
import { type Product, until } from '../support/product.ts';
import { findWorkerd } from './processes.ts';

const answers = (origin: string) =>
  fetch(`${origin}/api/v1/health`).then(
    (answer) => answer.ok,
    () => false,
  );

/** Kills this test's workerd, `times` one right after the other, and waits until another one serves. */
export async function killWorkerd(product: Product, times = 1): Promise<void> {
  const before = findWorkerd();
  if (before === undefined) throw new Error('There is no workerd to kill');
  process.kill(before, 'SIGKILL');
  if (times > 1) {
    await until(async () => ![before, undefined].includes(findWorkerd()));
    return killWorkerd(product, times - 1);
  }
  await until(async () => {
    const now = findWorkerd();
    return now !== undefined && now !== before && answers(product.origin);
  });
}

/** Kills a runner and starts it again on the same state. @returns the new one */
export async function killRunner(product: Product, runner: ChildProcess, name: string): Promise<ChildProcess> {
  const ended = new Promise((end) => runner.once('exit', end));
  runner.kill('SIGKILL');
  await ended;
  const stateDir = join(product.stateDir, `runner-${name}`);
  return runRunner({ root: ROOT, stateDir, onLine: (line) => product.runnerLog.push(line) });
}
