import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import { isAlive, signal, type ProcessId } from '../src/state/process-id.ts';
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

/** The first process of a workspace's sandbox, and the file that says so. */
function traceOf(state: string, { workspaceId }: WorkspaceOrder): { process: ProcessId; path: string } {
  const path = join(state, 'workspaces', workspaceId, 'sandbox.json');
  return { process: (JSON.parse(readFileSync(path, 'utf8')) as { first: ProcessId }).first, path };
}

async function enrolled(port = 0) {
  const platform = await Platform.start(port);
  const state = join(mintFolder(), 'state');
  const enroll = (...more: string[]) =>
    runProgram([
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
  const run = (...more: string[]) => startProgram(['run', '--state-dir', state, ...more]);
  /** Starts the runner; @returns its program once the workspace of `order` runs */
  const runWith = async (order: WorkspaceOrder, ...how: Parameters<typeof run>) => {
    const program = run(...how);
    await platform.connections.wait(() => true);
    platform.want(order);
    await platform.reported(order, 'running');
    return program;
  };
  return { platform, state, enroll, first, run, runWith };
}

/** A repository served by the platform's plain http, as old servers do. */
function mintRepository(platform: Platform, name: string, files: Record<string, string> = {}): string {
  const work = mintFolder();
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], { stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  for (const [path, text] of Object.entries({ 'README.md': '# served\n', ...files })) writeFileSync(join(work, path), text);
  git('add', '.');
  git('commit', '-q', '-m', 'one');
  git('update-server-info');
  platform.gitRoots.set(name, join(work, '.git'));
  return `${platform.url}/git/${name}`;
}

describe('enrolling', () => {
  it('keeps its keys to itself, shows the fingerprint, and does not replace itself unasked', async () => {
    const { platform, state, enroll, first } = await enrolled();
    expect(first.code, first.text).toBe(0);
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
    const wrong = await runProgram(['enroll', '--url', platform.url, '--code', 'x'.repeat(30), '--state-dir', state]);
    expect(wrong.code).toBe(1);
    expect(wrong.text).toContain('No longer there: The code was used');
    expect(existsSync(join(state, 'config.json'))).toBe(false);
    const clear = await runProgram(['enroll', '--url', 'http://gatehouse.example', '--code', 'x'.repeat(30), '--state-dir', state]);
    expect(clear.text).toContain('https://');
  });
});

describe('running', () => {
  it('takes a branch, gives parameters and secrets to the scripts, and writes no secret into a log', async () => {
    const { platform, runWith } = await enrolled();
    const repository = mintRepository(platform, 'branched.git');
    const order = mintOrder({
      spec: {
        repository,
        branch: 'main',
        startupScript: 'env | grep -E "KEY|PARAM" | tee seen',
        stopScript: 'cat seen > stopped; cat seen',
      },
      environment: { GATEHOUSE_PARAM_REGION: 'eu' },
      secrets: { DEPLOY_KEY: 'planted secret 3fa1' },
    });
    await runWith(order);
    const stop = next(order, 'stopped');
    platform.want(stop);
    await platform.reported(stop, 'stopped');
    const again = next(stop, 'running');
    platform.want({ ...again, spec: { ...again.spec, startupScript: 'wc -l < stopped; grep -c 3fa1 stopped' } });
    await platform.reported(again, 'running');
    const first = platform.logs.get(`${order.workspaceId} 1`)?.toString() ?? '';
    expect(first).toContain('GATEHOUSE_PARAM_REGION=eu');
    expect(first).toContain('DEPLOY_KEY=••••••');
    expect(first).toContain('Running the stop script');
    expect(platform.logs.get(`${order.workspaceId} 3`)?.toString()).toMatch(/^2\n1$/m);
    for (const log of platform.logs.values()) expect(log.toString()).not.toContain('3fa1');
  });

  it('brings the owner’s dotfiles into a new home, once, and starts without them where they can’t be had', async () => {
    const { platform, runWith } = await enrolled();
    const repository = mintRepository(platform, 'dotfiles.git', { '.editorrc': 'set ruler', '.profile-extra': 'theirs' });
    const dotfiles = { repository, branch: '', command: '' };
    const order = mintOrder({ spec: { startupScript: 'cat .editorrc; ls -l .profile-extra; touch .dotfiles/kept' }, dotfiles });
    await runWith(order);
    const first = platform.logs.get(`${order.workspaceId} 1`)?.toString() ?? '';
    expect(first).toMatch(/Cloning your dotfiles from [\s\S]*Linked ~\/\.editorrc\n[\s\S]*Your dotfiles are in place\n[\s\S]*set ruler/);
    const stop = next(order, 'stopped');
    platform.want(stop);
    await platform.reported(stop, 'stopped');
    const again = next(stop, 'running');
    platform.want({ ...again, spec: { ...again.spec, startupScript: 'ls -A .dotfiles' } });
    await platform.reported(again, 'running');
    const second = platform.logs.get(`${order.workspaceId} 3`)?.toString() ?? '';
    expect(second).toContain('kept');
    expect(second).not.toContain('Cloning');

    const commanded = mintOrder({
      dotfiles: { ...dotfiles, command: 'echo mine > ~/chosen; exit 3' },
      spec: { startupScript: 'cat chosen' },
    });
    platform.want(commanded);
    await platform.reported(commanded, 'running');
    expect(platform.logs.get(`${commanded.workspaceId} 1`)?.toString()).toMatch(/their installer ended with exit code 3[\s\S]*mine/);

    const lost = mintOrder({ dotfiles: { ...dotfiles, repository: `${repository}-nowhere` } });
    platform.want(lost);
    await platform.reported(lost, 'running');
    expect(platform.logs.get(`${lost.workspaceId} 1`)?.toString()).toMatch(/Warning: your dotfiles were not brought: git ended with/);
  });

  it('ends a start whose branch is not there, and says so', async () => {
    const { platform, run } = await enrolled();
    const repository = mintRepository(platform, 'unbranched.git');
    const order = mintOrder({ spec: { repository, branch: 'nowhere' } });
    run();
    await platform.connections.wait(() => true);
    platform.want(order);
    const { error } = await platform.reported(order, 'failed');
    expect(error).toContain('nowhere');
  });

  it('tells a platform that hears it what its workspaces use, and prints its notices in their terminals', async () => {
    const { platform, runWith } = await enrolled();
    platform.hears = ['usage'];
    const order = mintOrder({ spec: { driver: 'process', limits: { cpus: 2, diskMb: 64 } } });
    await runWith(order);
    const proof = await platform.heard.wait((message) => message.kind === 'proof');
    expect(proof).toMatchObject({ hears: ['watch', 'notice'] });
    platform.send({ kind: 'watch' });
    const told = await platform.heard.wait((message) => message.kind === 'usage');
    const memory = { used: expect.any(Number), most: null };
    expect(told).toMatchObject({
      workspaces: [{ workspaceId: order.workspaceId, cpu: { most: 2 }, memory, working: null, trouble: null }],
    });
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    await terminal.shows('$');
    platform.send({ kind: 'notice', workspaceId: order.workspaceId, text: 'It stops in 10 minutes' });
    platform.send({ kind: 'notice', workspaceId: 'wsp_of_another', text: 'Nobody hears this' });
    await terminal.shows('[Gatehouse] It stops in 10 minutes');
  });

  it('clones, runs the script, serves a terminal, and keeps files over stop and start', async () => {
    const { platform, runWith } = await enrolled();
    const repository = mintRepository(platform, 'served.git');
    const order = mintOrder({ spec: { repository, startupScript: 'echo "colour $COLOUR"; pwd; ls', environment: { COLOUR: 'blue' } } });
    await runWith(order);
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
    const program = run('--no-bubblewrap');
    await platform.connections.wait(() => true);
    const proof = await platform.heard.wait((message) => message.kind === 'proof');
    expect(proof).toMatchObject({ drivers: ['process'], labels: { zone: 'eu' }, inventory: [] });
    expect(program.text()).toContain('NO ISOLATION');
    const order = mintOrder({ spec: { driver: 'bubblewrap' } });
    platform.want(order);
    expect((await platform.reported(order, 'failed')).error).toContain('driver: bubblewrap');
  });

  it('refuses a workspace whose policy sets what it can’t enforce, naming the field, and says what it can', async () => {
    const { platform, run } = await enrolled();
    run();
    await platform.connections.wait(() => true);
    expect(await platform.heard.wait((message) => message.kind === 'proof')).toMatchObject({
      enforces: isolated
        ? ['upload', 'download', 'clipboardOut', 'clipboardIn', 'egress', 'recording', 'egressHosts', 'git']
        : ['upload', 'download', 'clipboardOut', 'clipboardIn', 'recording'],
    });
    const order = mintOrder();
    platform.policies.set(order.workspaceId, { moon: 'full' });
    platform.want(order);
    expect((await platform.reported(order, 'failed')).error).toContain('can’t enforce what the policy sets: moon');
    const unsigned = { ...mintOrder({ name: 'unsigned' }), policy: 'rubbish' };
    platform.want(unsigned);
    expect((await platform.reported(unsigned, 'failed')).error).toContain('not signed by this deployment');
  });

  it('keeps to a policy that comes while a workspace runs, also after kill -9, and ends one that it can’t keep to', async () => {
    const { platform, run, runWith } = await enrolled();
    const order = mintOrder({ spec: { startupScript: 'echo kept > note' } });
    const first = await runWith(order);
    const reading = async () => (await platform.join(order.workspaceId)).open({ method: 'files.read', path: 'note' }).head;
    expect(await reading()).toMatchObject({ ok: true });
    platform.policies.set(order.workspaceId, { download: 0 });
    platform.want(order);
    await expect.poll(reading, { timeout: 10_000 }).toMatchObject({ ok: false, code: 'refused' });
    first.child.kill('SIGKILL');
    await first.ended;
    const links = platform.links.all.length;
    run();
    await platform.links.wait(() => platform.links.all.length > links);
    expect(await reading()).toMatchObject({ ok: false, code: 'refused' });
    platform.policies.set(order.workspaceId, { moon: 'full' });
    platform.want(order);
    expect((await platform.reported(order, 'failed')).error).toContain('can’t enforce what the policy sets: moon');
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

  it('repeats reports until they are stored, also after kill -9, and takes over what runs', async () => {
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
    expect(proofs.at(-1)).toMatchObject({ inventory: [{ workspaceId: order.workspaceId, generation: 1, phase: 'running' }] });
    expect(numbers.length).toBe(platform.stored.all.filter(({ body }) => body.generation === 1).length);
    expect(
      platform.logs
        .get(`${order.workspaceId} 1`)
        ?.toString()
        .match(/^started$/gm),
    ).toHaveLength(1);
    await platform.links.wait(() => platform.links.all.length === 2);
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('echo one:$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -o "sleep 515[1]" | wc -l):\n');
    await terminal.shows('one:1:');
  });

  const drivers = isolated ? [[], ['--no-bubblewrap']] : [['--no-bubblewrap']];
  it.each(drivers)('is killed under a terminal that prints (%s): it goes on, every number once, at its offset', async (...flags) => {
    const { platform, state, run, runWith } = await enrolled();
    const order = mintOrder({ spec: { startupScript: 'echo once >> starts' } });
    const first = await runWith(order, ...flags);
    const before = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    const { terminalId } = (await before.head)['terminal'] as { terminalId: string };
    before.write("stty -echo; printf 'be''gin,'; for i in $(seq 200); do printf '%s,' $i; sleep 0.01; done; read x; echo e''nd:$x:\n");
    await before.shows('begin,1,2,3,4,5,');
    before.write('word');
    await before.acks.wait((offset) => offset === before.written);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = run(...flags);
    await platform.links.wait(() => platform.links.all.length === 2);
    const page = await platform.join(order.workspaceId);
    const after = page.open({ method: 'pty.attach', terminalId, from: before.next, cols: 80, rows: 24 });
    after.write('\n');
    await after.shows('end:word:');
    expect(after.from).toBe(before.next);
    expect(before.gaps + after.gaps).toBe(0);
    const shown = /begin,(.*),end/
      .exec((before.text + after.text).replaceAll(/[\r\n]/g, ''))?.[1]
      ?.split(',')
      .map(Number);
    expect(shown).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    const starts = page.open({ method: 'files.read', path: 'starts' });
    await starts.shows('once\n');
    expect(starts.text).toBe('once\n');
    const { process } = traceOf(state, order);
    expect(isAlive(process)).toBe(true);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(isAlive(process)).toBe(false);
  });

  it('stops what was deleted while it was away', async () => {
    const { platform, state, run, runWith } = await enrolled();
    const order = mintOrder();
    const first = await runWith(order);
    const { process } = traceOf(state, order);
    first.child.kill('SIGKILL');
    await first.ended;
    const gone = next(order, 'deleted');
    platform.orders.set(order.workspaceId, gone);
    expect(isAlive(process)).toBe(true);
    run();
    await platform.reported(gone, 'deleted');
    expect(isAlive(process)).toBe(false);
    expect(existsSync(join(state, 'workspaces', order.workspaceId))).toBe(false);
  });

  it('is handed over: the old one ends at once, the new one goes on', async () => {
    const { platform, state, run, runWith } = await enrolled();
    const order = mintOrder();
    const first = await runWith(order);
    const before = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    const { terminalId } = (await before.head)['terminal'] as { terminalId: string };
    before.write('x=kept-$((40+2)); echo $x\n');
    await before.shows('kept-42');
    const handover = await runProgram(['handover', '--state-dir', state]);
    expect(handover).toMatchObject({ code: 0, text: expect.stringContaining('run on for 15 minutes') as unknown });
    expect(await first.ended).toBe(0);
    expect((await runProgram(['handover', '--state-dir', state])).text).toContain('No runner uses');
    run();
    await platform.links.wait(() => platform.links.all.length === 2);
    const after = (await platform.join(order.workspaceId)).open({
      method: 'pty.attach',
      terminalId,
      from: before.next,
      cols: 80,
      rows: 24,
    });
    after.write('echo again-$x\n');
    await after.shows('again-kept-42');
  });

  it('says which terminals are gone when their sandbox died with it', async () => {
    const { platform, state, run, runWith } = await enrolled();
    const order = mintOrder();
    const first = await runWith(order);
    const before = (await platform.join(order.workspaceId)).open({
      method: 'pty.open',
      key: 'a-key-of-this-page',
      cols: 80,
      rows: 24,
      name: 'build',
    });
    const { terminalId } = (await before.head)['terminal'] as { terminalId: string };
    first.child.kill('SIGKILL');
    await first.ended;
    const { process, path } = traceOf(state, order);
    signal(process, 'SIGKILL');
    writeFileSync(
      path,
      JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), first: { ...process, boot: 'an earlier one' } }),
    );
    run();
    await platform.links.wait(() => platform.links.all.length === 2);
    const page = await platform.join(order.workspaceId);
    const exit = { code: null, signal: null, reason: "The runner's machine restarted" };
    expect(await page.call({ method: 'pty.list' })).toMatchObject({ terminals: [{ terminalId, name: 'build', exit }] });
    const attached = page.open({ method: 'pty.attach', terminalId, from: before.next, cols: 80, rows: 24 });
    expect(await attached.head).toMatchObject({ ok: true, terminal: { exit } });
    await attached.messages.wait((message) => message['kind'] === 'exit' && message['reason'] === exit.reason);
    expect(await page.call({ method: 'pty.close', terminalId })).toEqual({ ok: true });
    expect(await page.call({ method: 'pty.list' })).toMatchObject({ terminals: [] });
    expect(JSON.parse(readFileSync(join(state, 'workspaces', order.workspaceId, 'terminals.json'), 'utf8'))).toEqual([]);
  });

  it('stops what the platform does not list, and keeps its files', async () => {
    const { platform, state, runWith } = await enrolled();
    const order = mintOrder();
    await runWith(order);
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
    const { platform, runWith } = await enrolled();
    const order = mintOrder();
    await runWith(order, '--no-bubblewrap');
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('kill -9 $PPID\n');
    expect((await platform.reported(order, 'failed')).error).toContain('The sandbox ended unexpectedly');
  });

  it('ends in good order on SIGTERM, lets no second runner in, and ends with its reason when it is removed', async () => {
    const { platform, state, run } = await enrolled();
    const first = run();
    await platform.connections.wait(() => true);
    const second = await runProgram(['run', '--state-dir', state]);
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

describe('the program', () => {
  it('tells its version and what it can do, and refuses what it does not know', async () => {
    expect(await runProgram(['--version'])).toEqual({ code: 0, text: '0.1.0\n' });
    expect((await runProgram(['--help'])).text).toContain('gatehouse-runner enroll');
    expect(await runProgram(['dance'])).toMatchObject({
      code: 1,
      text: expect.stringContaining('no command "dance"') as unknown,
    });
    const bare = mkdirSync(join(mintFolder(), 'bare'), { recursive: true }) ?? '';
    expect((await runProgram(['run', '--state-dir', bare])).text).toContain('not enrolled');
  });

  it('runs a workspace', async () => {
    const { platform, runWith } = await enrolled();
    const order = mintOrder({ spec: { driver: isolated ? 'bubblewrap' : 'process' } });
    await runWith(order);
    const terminal = (await platform.join(order.workspaceId)).open({ method: 'pty.open', key: 'a-key-of-this-page', cols: 80, rows: 24 });
    terminal.write('echo home:$HOME:$((40+2))\n');
    await terminal.shows(isolated ? 'home:/home/dev:42' : ':42');
  });
});
