import { createHash, randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SnapshotList } from '@gatehouse/core/api/snapshots.ts';
import { runRunner } from '../../scripts/local-runner.ts';
import type { Person } from '../../scripts/api.ts';
import { ROOT } from '../support/place.ts';
import { type Product, signUp, startProduct, startWorkspace, until } from '../support/product.ts';

/** A workspace outlives its runner: real processes, killed at the worst moments. */

interface Space {
  phase: string;
  step: string | null;
  percent: number | null;
  error: string | null;
  runner: { id: string; name: string; online: boolean };
}
interface RunnerFacts {
  id: string;
  name: string;
  state: string;
  warnings: string[];
}

let product: Product;
let owner: Person;
let workspaceId: string;
let standing: string[];
/** the runner that follows a killed one, where the test chooses when */
let next: ChildProcess | null = null;

const folderOf = (runner: string) => join(product.stateDir, `runner-${runner}`, 'workspaces', workspaceId);
const homeOf = (runner: string) => join(folderOf(runner), 'home');
const space = () => owner.call<Space>('GET', `/workspaces/${workspaceId}`);
const snapshots = () => owner.call<SnapshotList>('GET', `/workspaces/${workspaceId}/snapshots`);
const runnerNamed = async (name: string) =>
  (await owner.call<{ items: RunnerFacts[] }>('GET', '/runners')).items.find((each) => each.name === name);
const isIn = async (phase: string) => {
  const { phase: now, error } = await space();
  if (now === 'failed' && phase !== 'failed') throw new Error(`The workspace failed: ${error}`);
  return now === phase;
};

/** Every file below a folder, with its content's hash. */
function treeOf(folder: string, name = '.'): string[] {
  const path = join(folder, name);
  const stats = lstatSync(path);
  const mode = (stats.mode & 0o777).toString(8);
  if (stats.isSymbolicLink()) return [`${name} → ${readlinkSync(path)}`];
  if (stats.isFile()) return [`${name} ${mode} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`];
  return [
    `${name}/ ${mode}`,
    ...readdirSync(path)
      .sort()
      .flatMap((child) => treeOf(folder, join(name, child))),
  ];
}

/** Stops it, and waits for the snapshot that follows. @returns its list, the newest first */
async function stopAndKeep(): Promise<SnapshotList> {
  const before = (await snapshots()).items[0]?.id;
  await owner.call('POST', `/workspaces/${workspaceId}/stop`);
  await until(() => isIn('stopped'));
  await until(async () => {
    const [newest] = (await snapshots()).items;
    return newest?.id !== before && newest?.state === 'done';
  }, 60);
  return snapshots();
}

beforeAll(async () => {
  product = await startProduct({}, 1000);
  owner = await signUp(product.origin, 'snapshots', 'a long enough password');
  await owner.call('PUT', '/snapshot-settings', { store: 'service', everyHours: null, ignore: ['.cache'] }, { 'If-Match': '"0"' });
  await product.addRunner(owner, 'anvil');
  workspaceId = await startWorkspace(owner, 'kept', (await runnerNamed('anvil'))?.id);
  await product.addRunner(owner, 'bellows');
});

afterAll(async () => {
  next?.stdin?.end();
  await product.end();
});

test('a workspace that stops is kept: exactly, without its caches, and only what changed the next time', async () => {
  const home = homeOf('anvil');
  mkdirSync(join(home, 'project', 'src'), { recursive: true });
  mkdirSync(join(home, '.cache'));
  writeFileSync(join(home, '.cache', 'much'), randomBytes(1024 * 1024));
  writeFileSync(join(home, 'project', 'src', 'main.ts'), 'export const answer = 42;\n');
  writeFileSync(join(home, 'project', 'données.bin'), randomBytes(6 * 1024 * 1024));
  symlinkSync('src/main.ts', join(home, 'project', 'entry'));
  const [first] = (await stopAndKeep()).items;
  expect(first).toMatchObject({ state: 'done', cause: 'stop', isExact: true, error: null });
  expect(first?.sent).toBeGreaterThan(6 * 1024 * 1024);
  rmSync(join(home, '.cache'), { recursive: true });
  writeFileSync(join(home, 'project', 'src', 'main.ts'), 'export const answer = 43;\n');
  await owner.call('POST', `/workspaces/${workspaceId}/start`);
  await until(() => isIn('running'));
  const [second] = (await stopAndKeep()).items;
  expect(second?.sent).toBeLessThan(5 * 1024 * 1024);
  standing = treeOf(home);
});

test('its runner and the files there are gone: it goes on, on another', async () => {
  const anvil = product.runner('anvil');
  const ended = once(anvil, 'exit');
  anvil.kill('SIGKILL');
  await ended;
  cpSync(folderOf('anvil'), join(product.stateDir, 'copy'), { recursive: true });
  rmSync(folderOf('anvil'), { recursive: true });
  await until(async () => (await runnerNamed('anvil'))?.state === 'offline', 90);
  const [newest] = (await snapshots()).items;
  await owner.call('POST', `/workspaces/${workspaceId}/move`, { snapshotId: newest?.id });
  await until(() => isIn('stopped'), 60);
  expect((await space()).runner.name).toBe('bellows');
  expect(treeOf(homeOf('bellows'))).toEqual(standing);
  await owner.call('POST', `/workspaces/${workspaceId}/start`);
  await until(() => isIn('running'));
  expect(readFileSync(join(homeOf('bellows'), 'project', 'src', 'main.ts'), 'utf8')).toBe('export const answer = 43;\n');
});

test('the first runner comes back: it stops what is not its own any more, keeps the files and says so', async () => {
  cpSync(join(product.stateDir, 'copy'), folderOf('anvil'), { recursive: true });
  const lines: string[] = [];
  const stateDir = join(product.stateDir, 'runner-anvil');
  const anvil = runRunner({ root: ROOT, stateDir, onLine: (line) => lines.push(line) });
  await until(async () => (await runnerNamed('anvil'))?.state === 'online');
  await until(async () => lines.some((line) => line.includes(workspaceId) && line.includes('its files are kept')));
  expect(existsSync(homeOf('anvil'))).toBe(true);
  expect(await space()).toMatchObject({ phase: 'running', runner: { name: 'bellows' } });
  await until(async () => ((await runnerNamed('anvil'))?.warnings ?? []).some((each) => each.includes(workspaceId)));
  const ended = once(anvil, 'exit');
  anvil.stdin?.end();
  await ended;
});

test('a runner that is killed while it sends goes on with what is stored', async () => {
  writeFileSync(join(homeOf('bellows'), 'large'), randomBytes(96 * 1024 * 1024));
  const before = (await snapshots()).storedBytes;
  await owner.call('POST', `/workspaces/${workspaceId}/stop`);
  await until(async () => (await snapshots()).storedBytes > before + 16 * 1024 * 1024, 60);
  const [making] = (await snapshots()).items;
  expect(making?.state).toBe('making');
  await product.killRunner('bellows');
  await until(async () => (await snapshots()).items.some(({ id, state }) => id === making?.id && state === 'done'), 90);
  const [done] = (await snapshots()).items;
  // What was stored before the kill was not sent again.
  expect(done?.sent).toBeLessThan(96 * 1024 * 1024 - 12 * 1024 * 1024);
});

test('a runner that is killed while it restores leaves no half home, and the restore is finished by the next', async () => {
  const home = homeOf('bellows');
  const [newest] = (await snapshots()).items;
  const kept = treeOf(home);
  rmSync(join(home, 'project'), { recursive: true });
  writeFileSync(join(home, 'since'), 'then');
  const changed = treeOf(home);
  await owner.call('POST', `/workspaces/${workspaceId}/restore-home`, { snapshotId: newest?.id });
  await until(async () => existsSync(join(folderOf('bellows'), 'home.restoring', 'large')));
  const bellows = product.runner('bellows');
  const ended = once(bellows, 'exit');
  bellows.kill('SIGKILL');
  await ended;
  expect([kept, changed]).toContainEqual(treeOf(home));
  next = runRunner({ root: ROOT, stateDir: join(product.stateDir, 'runner-bellows'), onLine: () => undefined });
  await until(() => isIn('stopped'), 60);
  expect(treeOf(home)).toEqual(kept);
  const aside = readdirSync(folderOf('bellows')).filter((name) => name.startsWith('home.before-'));
  expect(aside.map((name) => readFileSync(join(folderOf('bellows'), name, 'since'), 'utf8'))).toContain('then');
  await owner.call('POST', `/workspaces/${workspaceId}/start`);
  await until(() => isIn('running'));
});
