import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from './build.ts';

/** `npm test`: builds what is stale, then runs all tests in two lanes: the quick projects, then whole products. */

const root = resolve(import.meta.dirname, '..');

/** @returns whether all of its tests passed */
function vitest(projects: string[], more: string[] = [], env: Record<string, string> = {}): Promise<boolean> {
  const args = ['run', ...projects.flatMap((project) => ['--project', project]), ...more];
  return new Promise((done) => {
    spawn('vitest', args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).on('exit', (code) => done(code === 0));
  });
}

const MEMORY = '/dev/shm';
const ROOM = 2 * 1024 ** 3;

/** What Workers store in tests waits half of its time for a disk: where there is room, it lies in memory. */
async function inMemory(work: (env: Record<string, string>) => Promise<boolean>): Promise<boolean> {
  if (freeIn(MEMORY) < ROOM) return work({});
  const folder = mkdtempSync(join(MEMORY, 'gatehouse-'));
  try {
    return await work({ TMPDIR: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function freeIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

await build(root, (part) => console.log(`Building the ${part} …`));

/** The Worker’s tests keep one core busy; the runner’s mostly wait. */
const worker = () => inMemory((env) => vitest(['worker'], ['--maxWorkers=1'], env));
const quick = vitest(['core', 'web', 'runner'], ['--maxWorkers=2']);

/** Whole products, the longest first. */
const PAGES = 'test/e2e/pages.test.ts';
const products = [
  () => vitest(['ide']),
  () => vitest(['e2e'], [PAGES]),
  () => vitest(['e2e'], [`--exclude=${PAGES}`]),
  () => vitest(['chaos']),
];

/** Does one after the other of what is left. Two share the cores; more would wait for each other. */
async function lane(first: Promise<boolean>): Promise<boolean> {
  let passed = await first;
  // The networks of the runner’s containers come and go, and a browser beside them loses its connections.
  await quick;
  for (let next = products.shift(); next !== undefined; next = products.shift()) passed = (await next()) && passed;
  return passed;
}

const passed = await Promise.all([lane(worker()), lane(quick)]);
process.exit(passed.every(Boolean) ? 0 : 1);
