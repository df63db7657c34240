import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import { templateSpec } from '@gatehouse/core/api/templates.ts';
import { describe, expect, it } from 'vitest';
import { Cgroup } from '../src/limits/cgroup.ts';
import type { Limiter } from '../src/limits/limiter.ts';
import { prlimitArguments, processBounds } from '../src/limits/rlimits.ts';
import { outOfMemory, sizeWords } from '../src/limits/words.ts';
import { findDrivers } from '../src/sandbox/choose.ts';
import { startOf } from '../src/state/process-id.ts';
import { startWorkspace } from '../src/supervisor/start.ts';
import { BuildLog } from '../src/control/build-log.ts';
import { mintFolder, mintOrder, silentLog } from './support/mint.ts';
import { adoptSandbox, isolationMissing, limiter, mintPlan, parts, runIn, startSandbox } from './support/sandbox.ts';

const isolation = isolationMissing() === null;
const counts = limiter.controls.includes('memory');
/** more than a quarter of a gigabyte */
const HOG = `perl -e 'my @all; push @all, "y" x (16*1024*1024) for 1..40; print "had it all"'`;

describe('a group of version 2', () => {
  /** As the kernel shows one, in plain files: no machine has both versions with all their controllers. */
  function mintGroup() {
    const folder = mintFolder();
    const files = { 'memory.max': 'max', 'memory.swap.max': 'max', 'pids.max': 'max', 'cpu.max': 'max 100000', 'cgroup.procs': '' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const group = new Cgroup('v2', { memory: folder, pids: folder, cpu: folder });
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    return { folder, group, read };
  }

  it('is bounded by its files, and by nothing where the template bounds nothing', () => {
    const { group, read } = mintGroup();
    group.boundTo({ cpus: 1.5, memoryMb: 512, processes: 100, diskMb: null });
    expect(['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map(read)).toEqual(['536870912', '0', '132', '150000 100000']);
    group.boundTo(templateLimits.parse({}));
    expect(['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map(read)).toEqual(['max', 'max', '4128', 'max 100000']);
    expect(group.places).toHaveLength(1);
  });

  it('tells what it uses, without what the kernel could drop, and how often memory ran out', () => {
    const { folder, group } = mintGroup();
    expect([group.memoryBytes, group.cpuMs, group.tasks, group.outOfMemory]).toEqual([null, null, null, 0]);
    const shown = {
      'memory.current': '5000\n',
      'memory.stat': 'anon 3000\ninactive_file 1000\nactive_file 500\n',
      'memory.events': 'low 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n',
      'cpu.stat': 'usage_usec 1234567\nuser_usec 1\n',
      'pids.current': '7\n',
    };
    for (const [name, text] of Object.entries(shown)) writeFileSync(join(folder, name), text);
    expect([group.memoryBytes, group.cpuMs, group.tasks, group.outOfMemory]).toEqual([4000, 1235, 7, 2]);
  });

  it('tells its processes', () => {
    const { folder, group } = mintGroup();
    expect(group.pids).toEqual([]);
    writeFileSync(join(folder, 'cgroup.procs'), '12\n345\n');
    expect(group.pids).toEqual(['12', '345']);
    expect(new Cgroup('v2', {}).pids).toBeNull();
  });
});

describe('the limits of a process', () => {
  it('bound memory only where the kernel can’t bound the workspace as a whole', () => {
    const limits = { cpus: null, memoryMb: 512, processes: 100, diskMb: 64 };
    expect(prlimitArguments(processBounds(limits, [])).join(' ')).toMatch(
      /^--nproc=100:100 --core=0:0 --nofile=\d+:\d+ --data=1610612736:1610612736 --fsize=67108864:67108864 --$/,
    );
    expect(prlimitArguments(processBounds(limits, ['memory', 'pids', 'cpu'])).join(' ')).not.toContain('--data');
    expect(prlimitArguments(processBounds(templateLimits.parse({}), [])).join(' ')).toMatch(
      /^--nproc=4096:4096 --core=0:0 --nofile=\d+:\d+ --$/,
    );
  });

  it('are told in sizes that people use', () => {
    expect([64, 512, 1024, 1536, 2048, 10_240].map(sizeWords)).toEqual(['64 MB', '512 MB', '1 GB', '1.5 GB', '2 GB', '10 GB']);
    expect(outOfMemory(2048)).toBe('the workspace used more than its 2 GB of memory');
  });
});

const options = (useBubblewrap: boolean) => ({ useBubblewrap, engine: 'none', root: mintFolder() });

describe('what the machine can’t do', () => {
  it('is said at start and on the runner’s page', async () => {
    const said: string[] = [];
    const log = { ...silentLog, warn: (text: string) => void said.push(text) };
    const poor: Limiter = { ...limiter, version: null, controls: [], warnings: ['No cgroups for memory, pids, cpu: CPU is not bounded'] };
    expect((await findDrivers(parts, poor, log, options(true))).warnings).toEqual(expect.arrayContaining(poor.warnings));
    expect((await findDrivers(parts, poor, log, options(false))).warnings).toEqual(expect.arrayContaining(poor.warnings));
    expect(said).toEqual(expect.arrayContaining(poor.warnings));
  });

  it('is refused where a template needs it, naming the field: a root file system without isolation', async () => {
    const drivers = await findDrivers(parts, limiter, silentLog, options(false));
    const rootfs = { digest: `sha256:${'0'.repeat(64)}`, source: 'https://images.example.com/x.tar' };
    expect(drivers.choose({ spec: templateSpec.parse({ driver: 'process', rootfs }) })).toContain('rootfs');
    expect(drivers.choose({ spec: templateSpec.parse({ driver: 'process' }) })).toMatchObject({ kind: 'process' });
  });
});

describe.runIf(isolation && counts)('a workspace that uses more memory than it may', () => {
  it('fails its start with that reason when it was the start-up script', async () => {
    const folder = join(mintFolder(), 'workspace');
    mkdirSync(folder);
    const order = mintOrder({ spec: { driver: 'bubblewrap', startupScript: HOG, limits: { memoryMb: 256 } } });
    const driver = (await findDrivers(parts, limiter, silentLog, options(true))).choose(order);
    if (typeof driver === 'string') throw new Error(driver);
    const log = new BuildLog(folder, 1, () => undefined);
    const rootfs = { use: () => Promise.reject(new Error('none is wanted')) };
    const { signal } = new AbortController();
    const start = startWorkspace({ order, folder, driver, rootfs, network: null, log, signal, progress: () => undefined });
    await expect(start).rejects.toThrow('Before that, the workspace used more than its 256 MB of memory.');
    expect(log.read(0).text).toContain('Programs are those of the runner’s machine');
    log.close();
  });

  it('is watched by the next runner too', async () => {
    const plan = mintPlan({ limits: templateLimits.parse({ memoryMb: 256 }) });
    const before = await startSandbox('bubblewrap', plan);
    before.helper.keep();
    before.leave();
    const sandbox = await adoptSandbox('bubblewrap', plan.folder, before.trace);
    expect(sandbox.trace.limits).toEqual(plan.limits);
    expect((await runIn(sandbox, `${HOG} || echo ended`)).output).toContain('ended');
    await runIn(sandbox, 'true');
    expect((await sandbox.usage()).memoryBytes).toBeGreaterThan(0);
    const killed = new Promise((resolve) => void sandbox.ended.then(resolve));
    await runIn(sandbox, `kill -9 $PPID`).catch(() => undefined);
    expect(await killed).toBe('the workspace used more than its 256 MB of memory');
  });
});

describe.runIf(isolation && limiter.version !== null)('the group of a workspace', () => {
  it('goes with it', async () => {
    const sandbox = await startSandbox('bubblewrap');
    const group = limiter.cgroupOf(sandbox.trace.first.pid);
    expect(group?.places.every((folder) => existsSync(folder))).toBe(true);
    await sandbox.stop();
    expect(group?.places.some((folder) => existsSync(folder))).toBe(false);
  });

  it('holds also what hid from a sandbox without isolation, which ends with it', async () => {
    const sandbox = await startSandbox('process');
    const { output } = await runIn(sandbox, 'env -i setsid sleep 5000 >/dev/null 2>&1 & sleep 0.2; pgrep -n -f "^sleep 5000"');
    expect(startOf(Number(output))).not.toBeNull();
    await sandbox.stop();
    expect(startOf(Number(output))).toBeNull();
  });
});
