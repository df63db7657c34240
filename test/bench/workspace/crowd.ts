import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf, descendants, memoryOf, workerdOf } from '../processes.ts';
import { type Options, type Row, timed } from '../measure.ts';
import type { Product } from '../product.ts';
import { atOnce, Rows } from '../turns.ts';

/** Many workspaces on one runner, in which nobody does anything: what each holds of memory and takes of CPU. */
export async function measureCrowd(product: Product, { quick }: Options): Promise<Row[]> {
  const rows = new Rows('workspace');
  const add = rows.of('gatehouse');
  const [count, settle, window] = quick ? [5, 1, 3] : [100, 12, 120];
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_none, index) => `crowd-${from + index}`);
  const start = async (name: string) => add('start among many to running', 'ms', (await timed(() => product.startWorkspace(name)))[0]);
  const look = () => {
    const pids = {
      runner: [product.runnerPid],
      sandbox: descendants([product.runnerPid]),
      server: workerdOf(product.stateDir),
    };
    return Object.entries(pids).map(([part, of]) => ({ part, memory: memoryOf(of), cpu: cpuSecondsOf(of) }));
  };
  // The first fifth pays for what is needed once; what the others add is theirs.
  const first = count / 5;
  await atOnce(names(0, first), start);
  await sleep(settle * 1000);
  const before = look();
  await atOnce(names(first, count), start);
  await sleep(settle * 1000);
  const full = look();
  await sleep(window * 1000);
  const later = look();
  full.forEach(({ part, memory, cpu }, index) => {
    const [few, end] = [before[index], later[index]];
    if (few === undefined || end === undefined) return;
    add(`${count} idle workspaces: ${part} RSS of each`, 'MB', (memory.rss - few.memory.rss) / (count - first));
    add(`${count} idle workspaces: ${part} PSS of each`, 'MB', (memory.pss - few.memory.pss) / (count - first));
    add(`${count} idle workspaces: ${part} CPU of all`, 'of 1', (end.cpu - cpu) / window);
  });
  return rows.all();
}
