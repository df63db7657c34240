import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from './build.ts';

/** `npm test`: builds what is stale, then the quick projects, then whole products. */

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
const both = async (one: Promise<boolean>, other: Promise<boolean>) => (await Promise.all([one, other])).every(Boolean);

// The Worker’s tests work all the time, the runner’s mostly wait.
const quick = () =>
  both(
    inMemory((env) => vitest(['worker'], ['--maxWorkers=1'], env)),
    vitest(['core', 'web', 'runner'], ['--maxWorkers=2']),
  );

// Whole products wait more than they work: two at a time share the cores, and more would wait for each other.
const PAGES = 'test/e2e/pages.test.ts';
const pagesAndChaos = async () => {
  const pages = await vitest(['e2e'], [PAGES]);
  return (await vitest(['chaos'])) && pages;
};

const passed = (await quick()) && (await both(pagesAndChaos(), vitest(['e2e', 'ide'], [`--exclude=${PAGES}`])));
process.exit(passed ? 0 : 1);
