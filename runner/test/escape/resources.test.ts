import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describePrisons, type Cell, type Prison } from './support/prison.ts';

const MEBI = 1024 * 1024;

/** The runner answers, and so does a workspace beside the hostile one. */
async function expectOthersLive(prison: Prison, neighbour: Cell): Promise<void> {
  expect((await neighbour.run('echo alive; cat ~/note')).output).toBe('alive\nkept');
  expect(prison.fell).toBe(false);
}

async function neighbourOf(prison: Prison): Promise<Cell> {
  const neighbour = await prison.cell();
  await neighbour.run('echo kept > ~/note');
  return neighbour;
}

describePrisons('what a workspace uses up', (prison) => {
  it('a fork bomb reaches its own limit, and goes with its workspace', async () => {
    const neighbour = await neighbourOf(prison());
    const mallory = await prison().cell({ limits: { processes: 128 } });
    void mallory.run('bomb() { bomb | bomb & }; bomb').catch(() => undefined);
    void mallory.run('for i in $(seq 400); do sleep 600 & done').catch(() => undefined);
    let most = 0;
    while (most < 100) most = Math.max(most, (await mallory.usage()).processes ?? 0);
    for (let look = 0; look < 20; look++) most = Math.max(most, (await mallory.usage()).processes ?? 0);
    // The sandbox’s own come on top: bubblewrap, and the helper with its threads.
    expect(most).toBeLessThanOrEqual(128 + 32 + 16);
    await expectOthersLive(prison(), neighbour);
    const first = await mallory.pid();
    await mallory.stop();
    expect(existsSync(`/proc/${first}`)).toBe(false);
    await expectOthersLive(prison(), neighbour);
  });

  it('a memory hog is ended, and told why; its terminals live on where the kernel counts', async () => {
    const neighbour = await neighbourOf(prison());
    const mallory = await prison().cell({ limits: { memoryMb: 256 } });
    const hog = `perl -e '$x = "x" x (64*1024*1024) for 1; my @all; push @all, "y" x (16*1024*1024) for 1..200; print "had it all"'`;
    const kernelCounts = (await prison().controls()).includes('memory');
    if (kernelCounts) {
      const seen = await mallory.terminal(`${hog}; echo end-$((40+2))\n`, 'used more than its 256 MB of memory');
      expect(seen).toContain('[Gatehouse] A program was ended: the workspace used more than its 256 MB of memory.');
      expect(seen).not.toMatch(/^had it all/m);
      expect(await mallory.trouble()).toBe('the workspace used more than its 256 MB of memory');
      expect((await mallory.run('echo alive')).output).toBe('alive');
    } else {
      // Each process is held to it by itself ...
      expect((await mallory.run(hog)).output).not.toContain('had it all');
      // ... and many together are counted by the runner.
      void mallory.run(`for i in 1 2 3; do perl -e '$x = "x" x (150*1024*1024); sleep 60' & done; wait`).catch(() => undefined);
      expect(await mallory.ended()).toBe('the workspace used more than its 256 MB of memory');
    }
    await expectOthersLive(prison(), neighbour);
  });

  it('memory can’t be had by another name: files in /tmp and shared memory', async () => {
    const neighbour = await neighbourOf(prison());
    const mallory = await prison().cell({ limits: { memoryMb: 256 } });
    const filled = await mallory.run(
      'for place in /tmp /var/tmp /dev/shm; do head -c 400M /dev/zero > $place/big 2>/dev/null; done; du -cm /tmp/big /var/tmp/big /dev/shm/big | tail -1 | cut -f1',
    );
    if (filled.code !== null && filled.output !== '') expect(Number(filled.output)).toBeLessThanOrEqual(256);
    await expectOthersLive(prison(), neighbour);
  });

  it('a disk is not filled: the workspace is stopped, its files are kept, and it starts again', async () => {
    const neighbour = await neighbourOf(prison());
    const mallory = await prison().cell({ limits: { diskMb: 64 } });
    // A file can't be larger than all of them together may be.
    await mallory.run('head -c 200M /dev/zero > one');
    expect(statSync(join(mallory.plan.folder, 'home', 'one')).size).toBeLessThanOrEqual(64 * MEBI);
    void mallory.run('for i in $(seq 1000); do head -c 8M /dev/urandom > "more-$i" || exit; sleep 0.05; done').catch(() => undefined);
    expect(await mallory.ended()).toBe(
      'the workspace used more than its 64 MB of disk. Its files are kept: start it again and delete what is not needed',
    );
    expect(existsSync(join(mallory.plan.folder, 'home', 'more-1'))).toBe(true);
    await expectOthersLive(prison(), neighbour);
    const again = await prison().cell({ ...mallory.plan });
    expect((await again.run('rm one more-*; ls')).output).toBe('');
  });

  it('a home that comes near to its bound is told in the terminals, and one that began above it may run', async () => {
    const mallory = await prison().cell({ limits: { diskMb: 64 } });
    const seen = await mallory.terminal('head -c 60M /dev/zero > big; echo written\n', '[Gatehouse]');
    expect(seen).toMatch(/\[Gatehouse\] The home holds \d+ MB of its 64 MB\. Delete what is not needed/);
    await mallory.stop();
    const smaller = await prison().cell({ ...mallory.plan, limits: { diskMb: 64 } });
    await smaller.run('head -c 9M /dev/zero > more');
    await smaller.stop();
    const above = await prison().cell({ ...mallory.plan, limits: { diskMb: 64 } });
    expect(await above.terminal('echo above\n', '[Gatehouse]')).toContain('of its 64 MB');
    expect((await above.run('rm big more; ls')).output).toBe('');
  });

  it('files that hide in a closed folder count as well', async () => {
    const mallory = await prison().cell({ limits: { diskMb: 64 } });
    await mallory.run('mkdir hidden; cd hidden; for i in 1 2 3 4 5 6; do head -c 20M /dev/urandom > $i; done; chmod 0 ../hidden');
    expect(await mallory.ended()).toContain('more than its 64 MB of disk');
  });

  it('what the helper has open outside the home can’t be written to, or counts as well', async () => {
    const mallory = await prison().cell({ limits: { diskMb: 64 } });
    const log = '[[ $(readlink $fd) == *helper.log ]]';
    // A root's file is not a workspace's to open again; where both are one user, it is.
    const tried = await mallory.run(`for fd in /proc/$PPID/fd/*; do ${log} && echo x > $fd && echo opened; done`);
    if (!tried.output.includes('opened')) return expect(statSync(join(mallory.plan.folder, 'helper.log')).size).toBe(0);
    void mallory.run(`for fd in /proc/$PPID/fd/*; do ${log} && head -c 60M /dev/zero > $fd; done; head -c 40M /dev/zero > more`);
    expect(await mallory.ended()).toContain('more than its 64 MB of disk');
  });

  it('file descriptors run out for whoever opens them, and for nobody else', async () => {
    const neighbour = await neighbourOf(prison());
    const mallory = await prison().cell({ limits: { processes: 128, memoryMb: 512 } });
    const open = `perl -e 'my @all; while (open(my $f, "<", "/dev/null")) { push @all, $f } print scalar(@all); sleep 1'`;
    const opened = await mallory.run(`for i in 1 2 3 4; do ${open} > n$i & done; wait; cat n1`);
    if (opened.code !== null) expect(Number(opened.output)).toBeLessThanOrEqual(65_536);
    await expectOthersLive(prison(), neighbour);
  });

  it('a flood of output is taken at the pace of who reads it, in bounded memory', async () => {
    const neighbour = await neighbourOf(prison());
    const mallory = await prison().cell();
    const before = await prison().memory();
    const { bytes } = await mallory.flood('head -c 60000000 /dev/zero | tr "\\0" x');
    expect(bytes).toBe(60_000_000);
    await mallory.terminal('head -c 10000000 /dev/zero | tr "\\0" "x"; echo end-$((40+2))\n', 'end-42');
    expect((await prison().memory()) - before).toBeLessThan(250 * MEBI);
    await expectOthersLive(prison(), neighbour);
  });

  it('processors are shared as the template says', async () => {
    if (!(await prison().controls()).includes('cpu')) return;
    const mallory = await prison().cell({ limits: { cpus: 0.2 } });
    const before = await mallory.usage();
    // So much work that it could not be done with a fifth of a processor within the time that it takes.
    const { output } = await mallory.run(
      `perl -MTime::HiRes=time -e 'my $s = time; my $n = 0; $n++ while (times)[0] < 0.15; printf "%.2f", time - $s'`,
    );
    expect(Number(output)).toBeGreaterThan(0.45);
    expect((await mallory.usage()).cpuMs ?? 0).toBeGreaterThan((before.cpuMs ?? 0) + 120);
  });

  it('what it uses can be read at any time', async () => {
    const mallory = await prison().cell({ limits: { diskMb: 200 } });
    const { processes, memoryBytes, cpuMs, diskBytes } = await mallory.usage();
    expect(processes).toBeGreaterThanOrEqual(2);
    expect(memoryBytes).toBeGreaterThan(5 * MEBI);
    expect(memoryBytes).toBeLessThan(500 * MEBI);
    expect(cpuMs).toBeGreaterThan(0);
    expect(diskBytes).toBeGreaterThan(0);
  });
});
