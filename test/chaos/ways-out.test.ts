import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';
import { killSandboxes, sandboxes } from './processes.ts';
import { Space } from './space.ts';

/** What can go wrong with a workspace, brought about for real: each has its state, its sentence and a way out that leads out. */

const RUNNER = 'anvil';
let product: Product;
let owner: Person;
let workspaces: string;
let count = 0;

beforeAll(async () => {
  product = await startProduct({ POLICY_EGRESS: 'open' });
  owner = await signUp(product.origin, 'ways', 'a long enough password');
  await owner.call('PUT', '/tenant/policy', { values: { egress: 'open' } }, { 'If-Match': '"0"' });
  await product.addRunner(owner, RUNNER);
  workspaces = join(product.stateDir, `runner-${RUNNER}`, 'workspaces');
});
afterAll(() => product?.end());

async function make(spec: object): Promise<Space> {
  const name = `space-${++count}`;
  const { id: templateId } = await owner.call<{ id: string }>('POST', '/templates', { name, spec: { driver: 'bubblewrap', ...spec } });
  const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId, name });
  return new Space(owner, workspaces, id);
}

async function running(spec: object): Promise<Space> {
  const space = await make(spec);
  await space.reaches('running');
  space.plant((size) => new Uint8Array(size).fill(7));
  return space;
}

/** The way out that is offered first leads out, and nothing was lost on it. */
async function startsAgain(space: Space): Promise<void> {
  expect((await space.told())?.state.ways[0]).toBe('start');
  await space.ask('POST', '/start');
  await space.reaches('running');
  expect(space.isWhole).toBe(true);
}

describe('a workspace', () => {
  test('whose repository can’t be cloned says so, with what git said, and starts once it can', async () => {
    const space = await make({ repository: 'http://127.0.0.1:9/nothing.git' });
    await space.reaches('clone-failed');
    const told = await space.told();
    expect(told?.error).toMatch(/^Cloning the repository failed: git ended with exit code 128/);
    expect(told?.state).toMatchObject({ sentence: 'The repository could not be cloned. Files are kept.' });
    expect(sandboxes(product.stateDir).has(space.id)).toBe(false);
  });

  test('whose start-up script fails says so, and starts again when what it missed is there', async () => {
    const space = await make({ startupScript: 'echo no flag; test -e flag' });
    await space.reaches('start-script-failed');
    expect((await space.told())?.error).toContain('no flag');
    writeFileSync(join(space.home, 'flag'), '');
    space.plant((size) => new Uint8Array(size));
    await startsAgain(space);
  });

  test('whose stop script fails is stopped, and says that it failed', async () => {
    const space = await running({ stopScript: 'echo the queue is not empty; exit 3' });
    await space.ask('POST', '/stop');
    await space.reaches('stop-script-failed');
    expect(await space.told()).toMatchObject({ phase: 'stopped', error: 'The stop script ended with exit code 3' });
    await startsAgain(space);
  });

  test('whose sandbox is killed says so', async () => {
    const space = await running({});
    killSandboxes(product.stateDir);
    await space.reaches('killed');
    expect((await space.told())?.state).toMatchObject({ word: 'Ended', sentence: 'Its sandbox was ended from outside. Files are kept.' });
    await startsAgain(space);
  });

  test('that needs more memory than it has is ended, and says so', async () => {
    const space = await running({
      limits: { memoryMb: 256 },
      startupScript: '[ -e hungry ] || exit 0; rm hungry; (sleep 1; exec tail /dev/zero) &',
    });
    writeFileSync(join(space.home, 'hungry'), '');
    await space.ask('POST', '/restart');
    // Where the kernel ends the one program, the workspace goes on; where the runner must, it says why it did.
    await until(async () => !existsSync(join(space.home, 'hungry')));
    await space.reaches('running', 'out-of-memory');
    expect(space.isWhole).toBe(true);
  });

  test('whose runner is away says since when; what is wished meanwhile is kept, and carried out when it returns', async () => {
    const [stopped, deleted] = [await running({}), await running({})];
    await product.killRunner(RUNNER, async () => {
      await stopped.reaches('lost-running');
      expect((await stopped.told())?.state.sentence).toMatch(/is offline since .* UTC; the workspace may still be running there\./);
      // It does run: nobody killed it.
      expect(sandboxes(product.stateDir).has(stopped.id)).toBe(true);
      await stopped.ask('POST', '/stop');
      await deleted.ask('DELETE');
      await deleted.ask('POST', '/purge');
      expect((await stopped.told())?.state.kind).toBe('lost-stopping');
      expect((await deleted.told())?.state.kind).toBe('lost-deleting');
    });
    await stopped.reaches('stopped');
    await until(async () => (await deleted.told()) === null);
    expect([sandboxes(product.stateDir).has(stopped.id), existsSync(deleted.folder), stopped.isWhole]).toEqual([false, false, true]);
  });
});

/** A disk of its own for one runner's state, small enough to be filled. */
const mayMount = process.getuid?.() === 0 && tryToMount();

function tryToMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'gatehouse-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', place], { stdio: 'ignore' });
    execFileSync('umount', [place], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

test.skipIf(!mayMount)('a full disk is told, keeps nothing from being stopped, and lets start again what has room', async () => {
  const place = join(product.stateDir, 'runner-small');
  execFileSync('mkdir', ['-p', place]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'none', place]);
  try {
    await product.addRunner(owner, 'small');
    const { items } = await owner.call<{ items: Array<{ id: string; name: string }> }>('GET', '/runners');
    const runnerId = items.find(({ name }) => name === 'small')?.id;
    const { id: templateId } = await owner.call<{ id: string }>('POST', '/templates', {
      name: 'small',
      spec: { startupScript: 'date > now' },
    });
    const on = async (name: string) => {
      const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId, name, runnerId });
      return new Space(owner, join(place, 'workspaces'), id);
    };
    const [first, second] = [await on('first'), await on('second')];
    await Promise.all([first.reaches('running'), second.reaches('running')]);
    first.plant((size) => new Uint8Array(size).fill(3));
    await second.ask('POST', '/stop');
    await second.reaches('stopped');
    fill(join(place, 'ballast'));
    await second.ask('POST', '/start');
    await second.reaches('machine-full');
    expect((await second.told())?.state.sentence).toBe(
      'The disk of its runner’s machine is full. Somebody must make room there. Files are kept.',
    );
    await first.ask('POST', '/stop');
    await first.reaches('stopped');
    expect(first.isWhole).toBe(true);
    rmSync(join(place, 'ballast'));
    for (const space of [first, second]) {
      await space.ask('POST', '/start');
      await space.reaches('running');
    }
    expect(readFileSync(join(second.home, 'now'), 'utf8')).not.toBe('');
    for (const space of [first, second]) {
      await space.ask('POST', '/stop');
      await space.reaches('stopped');
    }
  } finally {
    product.runner('small').kill('SIGKILL');
    await until(() => Promise.resolve(product.runner('small').signalCode !== null || product.runner('small').exitCode !== null));
    execFileSync('umount', ['-l', place]);
  }
});

/** Writes until nothing more goes in. */
function fill(path: string): void {
  const piece = new Uint8Array(4096);
  try {
    for (;;) writeFileSync(path, piece, { flag: 'a' });
  } catch {
    // full
  }
}
