import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
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
const ROOM = 6 * 1024 ** 3;

/** What is stored in tests waits half of its time for a disk: where there is room, it lies in memory. */
function memoryFolder(): string | null {
  return freeIn(MEMORY) < ROOM || freemem() < ROOM ? null : mkdtempSync(join(MEMORY, 'gatehouse-'));
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

const memory = memoryFolder();
const stored = memory === null ? {} : { TMPDIR: memory };
// Hundreds of programs of ours begin: all but the first of a kind find their code compiled.
process.env['NODE_COMPILE_CACHE'] ??= join(memory ?? tmpdir(), 'compiled');
process.on('exit', () => memory !== null && rmSync(memory, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** The Worker’s tests keep one core busy; the runner’s mostly wait, and measure disks. */
const worker = () => vitest(['worker'], ['--maxWorkers=1'], stored);
const quick = vitest(['core', 'web', 'runner'], ['--maxWorkers=2']);

/** Whole products, the longest first. */
const PAGES = 'test/e2e/pages.test.ts';
const products = [
  () => vitest(['e2e'], [`--exclude=${PAGES}`], stored),
  () => vitest(['ide'], [], stored),
  () => vitest(['chaos'], [], stored),
  () => vitest(['e2e'], [PAGES], stored),
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
