import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leadsTo } from '@gatehouse/core/protocol/runner-rotation.ts';
import { writeAtomically } from '../src/state/atomic-file.ts';
import { loadConfig } from '../src/state/config.ts';
import { stateFolder } from '../src/state/folder.ts';
import { fingerprintOf, loadKeys } from '../src/state/keys.ts';
import { beginRotation, pendingRotation } from '../src/state/rotation.ts';
import { mintFolder, mintOrder } from './support/mint.ts';
import { Platform } from './support/platform.ts';
import { runProgram, startProgram } from './support/program.ts';

async function enrolled() {
  const platform = await Platform.start(0);
  const state = join(mintFolder(), 'state');
  await runProgram(['enroll', '--url', platform.url, '--code', platform.code, '--name', 'lab', '--state-dir', state]);
  const folder = stateFolder(state);
  const before = loadKeys(folder);
  return {
    ...{ platform, state, folder, before },
    run: () => startProgram(['run', '--no-bubblewrap', '--state-dir', state]),
    rotate: () => startProgram(['rotate-key', '--state-dir', state]),
  };
}
const publicOf = ({ identityKey, agreementKey }: { identityKey: string; agreementKey: string }) => ({ identityKey, agreementKey });
const known = ({ identityKey, agreementKey }: Platform) => fingerprintOf({ identityKey, agreementKey });

describe('a runner gets new keys', () => {
  it('while it runs: its workspaces run on, and its sockets are proved with the new key', async () => {
    const { platform, folder, before, run, rotate } = await enrolled();
    const order = mintOrder();
    run();
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.reported(order, 'running');
    await platform.links.wait(() => true);
    const shell = (await platform.join(order.workspaceId)).open({
      method: 'pty.open',
      key: 'a-key-of-this-page',
      cols: 80,
      rows: 24,
      name: 'one',
    });
    shell.write('x=kept-42\n');
    const changing = rotate();
    expect(await changing.ended, changing.text()).toBe(0);
    expect(known(platform)).toBe(fingerprintOf(loadKeys(folder)));
    expect(known(platform)).not.toBe(fingerprintOf(before));
    // Who was connected is not disturbed, and who comes now meets the new key.
    shell.write('echo still-$x\n');
    await shell.shows('still-kept-42');
    await platform.join(order.workspaceId);
    platform.connections.all.at(-1)?.close(1012, 'deploy');
    await platform.connections.wait(() => platform.connections.all.length === 2);
    const told = platform.keyRequests.all;
    expect(await leadsTo(platform.runnerId, fingerprintOf(before), publicOf(loadKeys(folder)), told)).toBe(true);
  });

  it('while it does not run', async () => {
    const { platform, folder, before, run, rotate } = await enrolled();
    const changing = rotate();
    expect(await changing.ended, changing.text()).toBe(0);
    expect(known(platform)).not.toBe(fingerprintOf(before));
    expect(known(platform)).toBe(fingerprintOf(loadKeys(folder)));
    run();
    await platform.connections.wait(() => true);
  });

  it('not when the platform refuses: the old ones stay and work', async () => {
    const { platform, folder, before, run, rotate } = await enrolled();
    platform.keyChanges = 'refuse';
    const changing = rotate();
    expect(await changing.ended).toBe(1);
    expect(changing.text()).toContain('the old ones stay');
    expect(fingerprintOf(loadKeys(folder))).toBe(fingerprintOf(before));
    expect(pendingRotation(folder)).toBeNull();
    run();
    await platform.connections.wait(() => true);
  });
});

describe('a change that is cut short leaves a key that works', () => {
  it.each(['lose request', 'lose answer'] as const)('killed while the platform does %s', async (how) => {
    const { platform, folder, run, rotate } = await enrolled();
    platform.keyChanges = how;
    const changing = rotate();
    await platform.keyRequests.wait(() => true);
    changing.child.kill('SIGKILL');
    await changing.ended;
    platform.keyChanges = 'take';
    run();
    await platform.connections.wait(() => true);
    expect(known(platform)).toBe(fingerprintOf(loadKeys(folder)));
    expect(pendingRotation(folder)).toBeNull();
  });

  it('killed while the new keys are put in place, one of two', async () => {
    const { platform, folder, before, run } = await enrolled();
    const { pems, rotation } = beginRotation(folder, loadConfig(folder).runnerId, before);
    [platform.identityKey, platform.agreementKey] = [rotation.next.identityKey, rotation.next.agreementKey];
    writeAtomically(folder.identityKey, pems.identity);
    run();
    await platform.connections.wait(() => true);
    expect(publicOf(loadKeys(folder))).toEqual(rotation.next);
    expect(readFileSync(folder.agreementKey, 'utf8')).toBe(pems.agreement);
  });

  it('killed before anything was asked, where the platform then refuses it: the old keys work', async () => {
    const { platform, folder, before, run } = await enrolled();
    beginRotation(folder, loadConfig(folder).runnerId, before);
    platform.keyChanges = 'refuse';
    run();
    await platform.connections.wait(() => true);
    expect(fingerprintOf(loadKeys(folder))).toBe(fingerprintOf(before));
  });
});
