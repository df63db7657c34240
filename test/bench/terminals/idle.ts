import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/place.ts';
import { gatehouse } from '../gatehouse.ts';
import type { Options } from '../measure.ts';
import { Network } from '../../support/network.ts';
import { descendants, type Memory, memoryOf, nameOf } from '../processes.ts';
import { type Product, startProduct } from '../product.ts';
import type { Line, System, WorkspaceLine } from '../system.ts';
import { measureActive, measureIdleRates, tellCost } from './rates.ts';
import { type Add, atOnce, type Rows } from '../turns.ts';

const ignore = () => undefined;

/** Workspaces, viewers of each, and seconds: objects leave memory 10 s after their last event. */
const sizeOf = ({ quick }: Options) =>
  quick ? { count: 5, viewers: 4, settle: 1, window: 6, busy: 3 } : { count: 100, viewers: 10, settle: 12, window: 300, busy: 30 };

/** Many workspaces with one empty terminal each, then many viewers: what nobody uses should cost nothing. */
export async function measureIdle(relay: System, rows: Rows, options: Options): Promise<void> {
  const { count, viewers, settle, window, busy } = sizeOf(options);
  await fillRelay(relay, count, settle, rows.of('relay'));
  const port = await freePort();
  const [pages, links] = [await Network.before(port), await Network.before(port)];
  const product = await startProduct(port, links.port);
  const add = rows.of('gatehouse');
  const [lines, joined]: [WorkspaceLine[], Line[]] = [[], []];
  try {
    const open = async (workspaceId: string) => lines.push(await gatehouse({ ...product, workspaceId }).open(ignore, pages.port));
    await fill(product, open, count, settle, add);
    await atOnce(lines, async (line) => {
      for (let viewer = 1; viewer < viewers; viewer++) joined.push(await line.join(ignore));
    });
    await sleep(settle * 1000);
    const wire = { pages: pages.toServer, links: links.toServer };
    const idle = await measureIdleRates(product, wire, { workspaces: count + 1, sessions: count * viewers, seconds: window }, add);
    const active = await measureActive(gatehouse(product), { wire, via: pages.port, idleCpuShare: idle.cpuShare, seconds: busy }, add);
    tellCost({ ...idle, ...active }, add);
  } finally {
    await atOnce([...joined, ...lines], (line) => line.close().catch(ignore));
    await product.end();
    await Promise.all([pages.close(), links.close()]);
  }
}

/** Memory of one workspace more, its shell not counted. */
async function fill(
  product: Product,
  open: (workspaceId: string) => Promise<unknown>,
  count: number,
  settle: number,
  add: Add,
): Promise<void> {
  const system = gatehouse(product);
  const look = () => {
    const { server, runner } = system.processes();
    const helpers = descendants(runner, (pid) => nameOf(pid) === 'bash');
    return { server: memoryOf(server), runner: memoryOf(runner), sandbox: memoryOf(helpers) };
  };
  const start = async (index: number) => open(await product.startWorkspace(`idle-${index}`));
  await grow(count, start, settle, look, add);
}

/** The relay has a Node for each shell, which says nothing about the way; so only its server counts. */
async function fillRelay(relay: System, count: number, settle: number, add: Add): Promise<void> {
  const lines: Line[] = [];
  const start = async () => lines.push(await relay.open(ignore));
  try {
    await grow(count, start, settle, () => ({ server: memoryOf(relay.processes().server) }), add);
  } finally {
    await atOnce(lines, (line) => line.close());
  }
}

/** The first fifth pays for what is needed once; what the others add is theirs. */
async function grow(
  count: number,
  start: (index: number) => Promise<unknown>,
  settle: number,
  look: () => Record<string, Memory>,
  add: Add,
): Promise<void> {
  const all = Array.from({ length: count }, (_none, index) => index);
  const first = count / 5;
  await atOnce(all.slice(0, first), start);
  await sleep(settle * 1000);
  const before = look();
  await atOnce(all.slice(first), start);
  await sleep(settle * 1000);
  for (const [part, after] of Object.entries(look())) {
    const from = before[part];
    if (from === undefined) continue;
    add(`idle workspace: ${part} RSS`, 'MB', (after.rss - from.rss) / (count - first));
    add(`idle workspace: ${part} PSS`, 'MB', (after.pss - from.pss) / (count - first));
  }
}
