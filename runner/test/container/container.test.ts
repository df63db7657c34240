import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { checkContainers } from '../../src/doctor/containers.ts';
import { containerDriver } from '../../src/sandbox/container/container.ts';
import { Engine } from '../../src/sandbox/container/engine.ts';
import { findContainers } from '../../src/sandbox/container/find-containers.ts';
import { isAlive } from '../../src/state/process-id.ts';
import { mintFolder, mintOrder } from '../support/mint.ts';
import { Platform } from '../support/platform.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { mintPlan, parts, runIn, startSandbox, testEngine } from '../support/sandbox.ts';

// Engines do much to make a container, perhaps on a machine that has much to do besides.
vi.setConfig({ testTimeout: 60_000 });

const here = testEngine();
const engine = () => Engine.at(here?.socket ?? '');
const listing = z.array(z.object({ Id: z.string(), State: z.string(), Labels: z.record(z.string(), z.string()) }));

/** All containers of workspaces under a folder, whatever became of them. */
async function containersUnder(root: string) {
  const all = await (await engine()).ask(listing, { method: 'GET', path: '/containers/json', query: { all: '1' } });
  return all.filter(({ Labels }) => Labels['gatehouse.runner'] === root);
}

describe.runIf(here !== null)('a container sandbox', () => {
  it('holds what the suites try to escape with: a tool that is missing would prove nothing', async () => {
    const wanted = [
      'unshare',
      'nsenter',
      'mount',
      'umount',
      'chroot',
      'pivot_root',
      'mknod',
      'chrt',
      'su',
      'perl',
      'python3',
      'curl',
      'git',
      'pgrep',
    ];
    const { output } = await runIn(await startSandbox('container'), `type -P ${wanted.join(' ')} | wc -l`);
    expect(Number(output)).toBe(wanted.length);
  });

  it('has a home of its own, a user of its own, no capability, and nothing of the machine’s system', async () => {
    const plan = mintPlan();
    const sandbox = await startSandbox('container', plan);
    const { output } = await runIn(
      sandbox,
      'id -un; test $(id -u) -gt 0 && echo somebody; id -G | wc -w; echo $HOME; pwd; grep -h -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status | tr "\\t\\n" "  "; hostname; cat /proc/1/comm; ls /; (grep -c . /etc/debian_version /var/lib/dpkg/status; ls /work /srv) 2>/dev/null; echo kept > ~/kept',
    );
    expect(output.split('\n').slice(0, 7)).toEqual([
      ...['dev', 'somebody', '1', '/home/dev', '/home/dev', 'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 blue-house', 'podman-init'],
    ]);
    expect(readFileSync(join(plan.folder, 'home', 'kept'), 'utf8')).toBe('kept\n');
  });

  it('can write to its home and to bounded places in memory only, whatever the image declares', async () => {
    const sandbox = await startSandbox('container', mintPlan({ limits: templateLimits.parse({ memoryMb: 256 }) }));
    const { output } = await runIn(
      sandbox,
      'find / -xdev -writable -not -type l -not -path "/proc/*" 2>/dev/null | sort; df --output=target,fstype,size -k /tmp /var/tmp /dev/shm /data /run | tail -n +2 | tr -s " "',
    );
    const lines = output.split('\n');
    expect(lines.slice(0, lines.indexOf('/tmp tmpfs 131072'))).toEqual(['/data', '/home/dev', '/tmp', '/var/tmp']);
    expect(lines.slice(4)).toEqual([
      '/tmp tmpfs 131072',
      '/var/tmp tmpfs 65536',
      '/dev/shm tmpfs 65536',
      '/data tmpfs 32768',
      '/run tmpfs 1024',
    ]);
    const written = await runIn(
      sandbox,
      'for place in /run /dev /opt/gatehouse/door /etc / /usr; do (: > $place/x) 2>/dev/null && echo $place; done; true',
    );
    expect(written.output).toBe('');
  });

  it('gives its programs what the image sets, behind what the template sets, and its helper nothing of it', async () => {
    const sandbox = await startSandbox('container', mintPlan({ environment: { COLOUR: 'red' } }));
    expect((await runIn(sandbox, 'echo $COLOUR; echo $PATH; echo $NODE_OPTIONS')).output.split('\n')).toEqual([
      ...['red', '/home/dev/.local/bin:/opt/tools/bin:/usr/bin:/usr/sbin', '--require=/data/x.cjs'],
    ]);
  });

  it('reaps what its programs leave behind', async () => {
    const sandbox = await startSandbox('container');
    const { output } = await runIn(sandbox, '(setsid sleep 0.01 &); sleep 0.3; ps -e -o stat= | grep -c Z; true');
    expect(output).toBe('0');
  });

  it('says why it could not start: an image that is not here, and one that is not for this driver', async () => {
    const missing = `localhost/other@sha256:${'0'.repeat(64)}`;
    await expect(startSandbox('container', mintPlan({ image: missing }))).rejects.toThrow(`Podman does not have the image ${missing}`);
    const driver = containerDriver(await engine(), parts);
    await expect(driver.start(mintPlan({ image: null }))).rejects.toThrow('the template names no image');
  });

  it('is swept away when its runner was killed before it could remember it, by the next runner or the next start', async () => {
    const root = mintFolder();
    const folder = join(root, 'workspaces', 'one');
    mkdirSync(folder, { recursive: true });
    const plan = mintPlan({ folder });
    const first = await startSandbox('container', plan);
    const second = await startSandbox('container', plan);
    expect(isAlive(first.trace.first)).toBe(false);
    expect(await containersUnder(root)).toMatchObject([
      { Id: second.trace.container, State: 'running', Labels: { 'gatehouse.runner': root, 'gatehouse.workspace': 'one' } },
    ]);
    await containerDriver(await engine(), parts).sweep(folder);
    expect(isAlive(second.trace.first)).toBe(false);
    expect(await containersUnder(root)).toEqual([]);
  });
});

describe.runIf(here !== null)('an image', () => {
  it('is pulled from its registry by its digest, and by no other', async () => {
    const driver = containerDriver(await engine(), parts);
    const image = here?.pulled.image ?? '';
    const lines: string[] = [];
    const { signal } = new AbortController();
    const pull = (wanted: string) => driver.pull?.(wanted, (line) => void (line !== null && lines.push(line)), signal);
    await pull(image);
    expect(lines[0]).toBe(`Pulling the image ${image}\n`);
    await pull(image);
    expect(lines.at(-1)).toBe(`Image ${image} is here\n`);
    const sandbox = await startSandbox('container', mintPlan({ image }));
    expect(await sandbox.helper.call({ method: 'files.stat', path: '' })).toMatchObject({ ok: true });
    await expect(pull(image.replace(/[0-9a-f]{64}/, 'f'.repeat(64)))).rejects.toThrow(/The image could not be pulled: .*manifest unknown/);
    await expect(pull(`127.0.0.1:1/x@sha256:${'0'.repeat(64)}`)).rejects.toThrow(/The image could not be pulled: .*refused/);
  });
});

describe.runIf(here !== null)('what the machine’s engine can do', () => {
  it('is found out by making a sandbox, of which nothing is left', async () => {
    const root = mintFolder();
    const containers = await findContainers(parts, { engine: here?.socket, root });
    expect(containers).toMatchObject({ missing: null, warnings: [] });
    expect(checkContainers(containers)).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(
        /^Podman [\d.]+ at .* makes sandboxes and bounds memory, pids, cpu\. Whoever may use its socket/,
      ) as unknown,
    });
    expect(await containersUnder(root)).toEqual([]);
  });
});

describe('what the doctor says of containers', () => {
  const docker = {
    words: 'Docker 27.0.3 at /run/docker.sock',
    isRootless: false,
    controls: ['memory', 'pids', 'cpu'] as ('memory' | 'pids' | 'cpu')[],
  };

  it('is that none are missed where there is no engine, and what to do about one that does not work', () => {
    expect(checkContainers({ engine: null, missing: 'neither Docker nor Podman listens on this machine' }).state).toBe('ok');
    expect(checkContainers({ engine: docker, missing: 'Docker can’t make a sandbox: no init' })).toMatchObject({ state: 'warning' });
    expect(checkContainers({ engine: { ...docker, controls: ['pids'] }, missing: null })).toMatchObject({
      state: 'warning',
      found: 'Containers are not bounded in memory, cpu by Docker 27.0.3 at /run/docker.sock',
      remedy: expect.stringContaining('Delegate=yes') as unknown,
    });
    expect(checkContainers({ engine: { ...docker, isRootless: true }, missing: null }).found).not.toContain('as good as root');
  });
});

describe.runIf(here !== null)('a runner with an engine', () => {
  it('offers containers beside what older services know, pulls, runs one, and takes it over after kill -9', async () => {
    const platform = await Platform.start(0);
    const state = join(mintFolder(), 'state');
    await runProgram(['enroll', '--url', platform.url, '--code', platform.code, '--name', 'lab', '--state-dir', state]);
    const run = () => startProgram(['run', '--state-dir', state, '--engine', here?.socket ?? '', '--no-bubblewrap']);
    const first = run();
    const proof = await platform.heard.wait(({ kind }) => kind === 'proof');
    expect(proof).toMatchObject({
      drivers: ['process'],
      moreDrivers: ['container'],
      enforces: expect.arrayContaining(['egress']) as unknown,
    });
    const order = mintOrder({ spec: { driver: 'container', image: here?.image, startupScript: 'cat /proc/1/comm' } });
    platform.want(order);
    await platform.reported(order, 'running');
    const log = readFileSync(join(state, 'workspaces', order.workspaceId, 'build-1.log'), 'utf8');
    expect(log).toContain(`Image ${here?.image} is here`);
    expect(log).toContain('podman-init');
    const [running] = await containersUnder(state);
    onTestFinished(async () =>
      (await engine()).bytes({ method: 'DELETE', path: `/containers/${running?.Id}`, query: { force: '1' } }).then(
        () => undefined,
        () => undefined,
      ),
    );
    first.child.kill('SIGKILL');
    await first.ended;
    const second = run();
    await second.output.wait((text) => text.includes('runs on'));
    expect(await containersUnder(state)).toMatchObject([{ Id: running?.Id, State: 'running' }]);
    platform.want({ ...order, generation: 2, desired: 'deleted' });
    await platform.reported({ ...order, generation: 2 }, 'deleted');
    expect(await containersUnder(state)).toEqual([]);
    expect(existsSync(join(state, 'workspaces', order.workspaceId))).toBe(false);
  });

  it('says which template it can’t take when there is none', async () => {
    const platform = await Platform.start(0);
    const state = join(mintFolder(), 'state');
    await runProgram(['enroll', '--url', platform.url, '--code', platform.code, '--name', 'lab', '--state-dir', state]);
    startProgram(['run', '--state-dir', state, '--engine', 'none']);
    await platform.connections.wait(() => true);
    const order = mintOrder({ spec: { driver: 'container', image: `x@sha256:${'0'.repeat(64)}` } });
    platform.want(order);
    const { error } = await platform.reported(order, 'failed');
    expect(error).toBe(
      "The template asks for a container (driver: container), which this runner can't give: switched off by --engine none",
    );
  });
});
