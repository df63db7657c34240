import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from './build.ts';

/** `npm test`: builds what is stale, then the quick projects, then whole products. */

const root = resolve(import.meta.dirname, '..');

/** @returns whether all of its tests passed */
function vitest(projects: string[], ...more: string[]): Promise<boolean> {
  const args = ['run', ...projects.flatMap((project) => ['--project', project]), ...more];
  return new Promise((done) => {
    spawn('vitest', args, { cwd: root, stdio: 'inherit' }).on('exit', (code) => done(code === 0));
  });
}

await build(root, (part) => console.log(`Building the ${part} …`));
// Whole products wait more than they work: two at a time share the cores, and more would wait for each other.
const PAGES = 'test/e2e/pages.test.ts';
const inTurn = async () => {
  const pages = await vitest(['e2e'], PAGES);
  return (await vitest(['chaos'])) && pages;
};
const passed =
  // Vitest would leave one of two cores idle.
  (await vitest(['core', 'web', 'worker', 'runner'], '--maxWorkers=2')) &&
  (await Promise.all([inTurn(), vitest(['e2e', 'ide'], `--exclude=${PAGES}`)])).every(Boolean);
process.exit(passed ? 0 : 1);
