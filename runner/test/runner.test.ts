import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import { isolationMissing } from './support/sandbox.ts';
import { mintFolder, mintOrder } from './support/mint.ts';
import { Platform } from './support/platform.ts';
import { runProgram, startProgram } from './support/program.ts';

const isolated = isolationMissing() === null;
const next = (order: WorkspaceOrder, desired: WorkspaceOrder['desired']): WorkspaceOrder => ({
  ...order,
  desired,
  generation: order.generation + 1,
});

async function enrolled(port = 0) {
  const platform = await Platform.start(port);
  const state = join(mintFolder(), 'state');
  const enroll = (...more: string[]) =>
    runProgram('source', [
      'enroll',
      '--url',
      platform.url,
      '--code',
      platform.code,
      '--name',
      'lab',
      '--state-dir',
      state,
      '--label',
      'zone=eu',
      ...more,
    ]);
  const first = await enroll();
  const run = (which: 'source' | 'packed' = 'source', ...more: string[]) => startProgram(which, ['run', '--state-dir', state, ...more]);
  return { platform, state, enroll, first, run };
}

/** A repository served by the platform's plain http, as old servers do. */
function mintRepository(platform: Platform, name: string): string {
  const work = mintFolder();
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], { stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  writeFileSync(join(work, 'README.md'), '# served\n');
  git('add', '.');
  git('commit', '-q', '-m', 'one');
  git('update-server-info');
  platform.gitRoots.set(name, join(work, '.git'));
  return `${platform.url}/git/${name}`;
}

describe('enrolling', () => {
  it('keeps its keys to itself, shows the fingerprint, and does not replace itself unasked', async () => {
    const { platform, state, enroll, first } = await enrolled();
    expect(first.code).toBe(0);
    expect(first.text).toMatch(/SHA256 {2}([0-9a-f]{4} ){7}[0-9a-f]{4}\n/);
    expect(first.text).toContain('administrator must compare');
    expect(first.text).not.toContain(platform.token);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    for (const name of ['identity.pem', 'agreement.pem', 'config.json']) expect(statSync(join(state, name)).mode & 0o777).toBe(0o600);
    const again = await enroll();
    expect(again.code).toBe(1);
    expect(again.text).toContain('--force');
    const before = readFileSync(join(state, 'identity.pem'), 'utf8');
    expect((await enroll('--force')).code).toBe(0);
    expect(readFileSync(join(state, 'identity.pem'), 'utf8')).not.toBe(before);
  });

  it('says why it was refused, and leaves nothing', async () => {
    const platform = await Platform.start(0);
    const state = join(mintFolder(), 'state');
    const wrong = await runProgram('source', ['enroll', '--url', platform.url, '--code', 'x'.repeat(30), '--state-dir', state]);
    expect(wrong.code).toBe(1);
    expect(wrong.text).toContain('No longer there: The code was used');
    expect(existsSync(join(state, 'config.json'))).toBe(false);
    const clear = await runProgram('source', [
      'enroll',
      '--url',
      'http://gatehouse.example',
      '--code',
      'x'.repeat(30),
      '--state-dir',
      state,
    ]);
    expect(clear.text).toContain('https://');
  });
});

describe('running', () => {
  it('clones, runs the script, serves a terminal, and keeps files over stop and start', async () => {
    const { platform, run } = await enrolled();
    const repository = mintRepository(platform, 'served.git');
    const order = mintOrder({ spec: { repository, startupScript: 'echo "colour $COLOUR"; pwd; ls', environment: { COLOUR: 'blue' } } });
    run();
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.reported(order, 'running');
    const steps = platform.stored.all.map(({ body }) => body.step);
    expect(steps).toEqual(
      expect.arrayContaining(['Preparing the home', 'Cloning the repository', 'Running the start-up script', 'Connecting']),
    );
    const log = platform.logs.get(`${order.workspaceId} 1`)?.toString() ?? '';
    expect(log).toContain('colour blue');
    expect(log).toMatch(/^served$/m);
    const page = await platform.join(order.workspaceId);
    const terminal = page.open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('echo kept > note; cat served/README.md\n');
    await terminal.shows('# served');
    const stop = next(order, 'stopped');
    platform.want(stop);
    await platform.reported(stop, 'stopped');
    const again = next(stop, 'running');
    platform.want(again);
    await platform.reported(again, 'running');
    const file = (await platform.join(order.workspaceId)).open({ method: 'files.read', path: 'note' });
    await file.shows('kept');
    const gone = next(again, 'deleted');
    platform.want(gone);
    await platform.reported(gone, 'deleted');
    const numbers = platform.stored.all.map(({ report }) => report);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('says what failed, and tries again when asked again', async () => {
    const { platform, run } = await enrolled();
    const broken = mintOrder({ spec: { repository: `${platform.url}/git/none.git` } });
    const script = mintOrder({ name: 'script', spec: { startupScript: 'echo about to fail; exit 7' } });
    run();
    await platform.connections.wait(() => true);
    platform.want(broken);
    platform.want(script);
    const clone = await platform.reported(broken, 'failed');
    expect(clone.error).toMatch(/git ended with exit code 128[^]*not found/);
    expect(await platform.reported(script, 'failed')).toMatchObject({
      exitCode: 7,
      error: expect.stringContaining('about to fail') as unknown,
    });
    const repaired = { ...next(script, 'running'), spec: { ...script.spec, startupScript: 'true' } };
    platform.want(repaired);
    await platform.reported(repaired, 'running');
  });

  it('refuses a template that asks for isolation where there is none, and says so in red at once', async () => {
    const { platform, run } = await enrolled();
    const program = run('source', '--no-bubblewrap');
    await platform.connections.wait(() => true);
    const proof = await platform.heard.wait((message) => message.kind === 'proof');
    expect(proof).toMatchObject({ drivers: ['process'], labels: { zone: 'eu' }, inventory: [] });
    expect(program.text()).toContain('NO ISOLATION');
    const order = mintOrder({ spec: { driver: 'bubblewrap' } });
    platform.want(order);
    expect((await platform.reported(order, 'failed')).error).toContain('driver: bubblewrap');
  });

  it('cancels a start that is not wanted any more', async () => {
    const { platform, run } = await enrolled();
    const order = mintOrder({ spec: { startupScript: 'echo waiting; sleep 1000' } });
    run();
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.heard.wait((message) => message.kind === 'log' && message.text.includes('waiting'));
    const stop = next(order, 'stopped');
    platform.want(stop);
    await platform.reported(stop, 'stopped');
    expect(platform.stored.all.some(({ body }) => body.phase === 'failed')).toBe(false);
  });

  it('repeats reports until they are stored, also after kill -9, and restarts what is wanted', async () => {
    const { platform, run } = await enrolled();
    const order = mintOrder({ spec: { startupScript: 'setsid sleep 5151 >/dev/null 2>&1 & echo started' } });
    const first = run();
    await platform.connections.wait(() => true);
    platform.storesReports = false;
    platform.want(order);
    await platform.heard.wait((message) => message.kind === 'report' && message.body.phase === 'running');
    first.child.kill('SIGKILL');
    await first.ended;
    platform.storesReports = true;
    run();
    await platform.reported(order, 'running');
    const numbers = platform.stored.all.map(({ report }) => report);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    const proofs = platform.heard.all.filter((message) => message.kind === 'proof');
    expect(proofs.at(-1)).toMatchObject({ inventory: [{ workspaceId: order.workspaceId, generation: 1, phase: 'stopped' }] });
    await platform.links.wait(() => platform.links.all.length === 2);
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('echo one:$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -o "sleep 515[1]" | wc -l):\n');
    await terminal.shows('one:1:');
  });

  it('stops what the platform does not list, and keeps its files', async () => {
    const { platform, state, run } = await enrolled();
    const order = mintOrder();
    run();
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.reported(order, 'running');
    platform.orders.clear();
    platform.connections.all.at(-1)?.terminate();
    await platform.connections.wait(() => platform.connections.all.length === 2);
    platform.connections.all.at(-1)?.terminate();
    const warned = await platform.heard.wait(
      (message) => message.kind === 'proof' && message.warnings.some((text) => text.includes(order.workspaceId)),
    );
    expect(warned).toMatchObject({ inventory: [{ phase: 'stopped' }] });
    expect(existsSync(join(state, 'workspaces', order.workspaceId, 'home'))).toBe(true);
  });

  it('reports a sandbox that dies', async () => {
    const { platform, run } = await enrolled();
    const order = mintOrder();
    run('source', '--no-bubblewrap');
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.reported(order, 'running');
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('kill -9 $PPID\n');
    expect((await platform.reported(order, 'failed')).error).toContain('The sandbox ended unexpectedly');
  });

  it('ends in good order on SIGTERM, lets no second runner in, and ends with its reason when it is removed', async () => {
    const { platform, state, run } = await enrolled();
    const first = run();
    await platform.connections.wait(() => true);
    const second = await runProgram('source', ['run', '--state-dir', state]);
    expect(second.code).toBe(1);
    expect(second.text).toContain(`Another runner (process ${first.child.pid})`);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const third = run();
    await platform.connections.wait(() => platform.connections.all.length === 2);
    platform.send({ kind: 'removed' });
    expect(await third.ended).toBe(3);
    expect(third.text()).toContain('removed this runner');
    expect(third.text()).not.toContain(platform.token);
  });

  it('waits while it is not confirmed', async () => {
    const { platform, run } = await enrolled();
    platform.confirmed = false;
    const program = run();
    await program.output.wait((text) => text.includes('must confirm the fingerprint'));
    expect(platform.heard.all.some((message) => message.kind === 'report')).toBe(false);
  });
});

describe('the packed program', () => {
  it('tells its version and what it can do, and refuses what it does not know', async () => {
    expect(await runProgram('packed', ['--version'])).toEqual({ code: 0, text: '0.1.0\n' });
    expect((await runProgram('packed', ['--help'])).text).toContain('gatehouse-runner enroll');
    expect(await runProgram('packed', ['dance'])).toMatchObject({
      code: 1,
      text: expect.stringContaining('no command "dance"') as unknown,
    });
    const bare = mkdirSync(join(mintFolder(), 'bare'), { recursive: true }) ?? '';
    expect((await runProgram('packed', ['run', '--state-dir', bare])).text).toContain('not enrolled');
  });

  it('runs a workspace', async () => {
    const { platform, run } = await enrolled();
    const order = mintOrder({ spec: { driver: isolated ? 'bubblewrap' : 'process' } });
    run('packed');
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.reported(order, 'running');
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('echo home:$HOME:$((40+2))\n');
    await terminal.shows(isolated ? 'home:/home/dev:42' : ':42');
  });
});
