import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../src/sandbox/driver.ts';
import { isolationMissing, mintPlan, runIn, startSandbox } from './support/sandbox.ts';
import { mintFolder } from './support/mint.ts';

const isolation = isolationMissing() === null;

/** Marks a process of the sandbox so that it can be looked for from outside. */
const isAlive = (mark: string) =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });

const read = async (sandbox: Sandbox, path: string) => sandbox.helper.call({ method: 'files.stat', path });

describe.runIf(isolation)('a bubblewrap sandbox', () => {
  it('has a home of its own, a user of its own and no capability', async () => {
    const sandbox = await startSandbox('bubblewrap');
    const { output } = await runIn(
      sandbox,
      'id -un; echo $HOME; pwd; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; hostname',
    );
    expect(output.split('\n')).toEqual(['dev', '/home/dev', '/home/dev', 'CapEff:\t0000000000000000', 'NoNewPrivs:\t1', 'blue-house']);
  });

  it('does not see another workspace, the keys of the runner, or anything beside its own home', async () => {
    const root = mintFolder();
    for (const name of ['one', 'two']) mkdirSync(join(root, name));
    writeFileSync(join(root, 'identity.pem'), 'secret', { mode: 0o644 });
    const other = await startSandbox('bubblewrap', mintPlan({ folder: join(root, 'two') }));
    await runIn(other, 'echo private > ~/note; chmod -R a+rwX ~');
    const sandbox = await startSandbox('bubblewrap', mintPlan({ folder: join(root, 'one') }));
    const { output } = await runIn(
      sandbox,
      `cat ${root}/identity.pem ${root}/two/home/note; ls -d ${root} /root /work /home/*; cat /etc/shadow`,
    );
    expect(output).not.toContain('secret');
    expect(output).not.toContain('private');
    expect(output.split('\n').filter((line) => !line.includes('No such file'))).toEqual(['/home/dev']);
  });

  it('finds nothing of the runner in its environment', async () => {
    process.env['GATEHOUSE_TEST_SECRET'] = 'must-not-travel';
    const sandbox = await startSandbox('bubblewrap', mintPlan({ environment: { COLOUR: 'blue' } }));
    delete process.env['GATEHOUSE_TEST_SECRET'];
    const { output } = await runIn(sandbox, 'echo $COLOUR; cat /proc/*/environ | tr "\\0" "\\n"');
    expect(output).toContain('blue');
    expect(output).not.toContain('must-not-travel');
  });

  it('sees only its own processes, also by /proc, and no path of the machine in their arguments', async () => {
    const plan = mintPlan();
    const sandbox = await startSandbox('bubblewrap', plan);
    const { output } = await runIn(
      sandbox,
      'cat /proc/[0-9]*/cmdline | tr "\\0" " "; echo; ls -d /proc/[0-9]* | wc -l; kill -0 ' + process.pid,
    );
    expect(output).not.toContain('vitest');
    expect(output).not.toContain(plan.folder);
    expect(Number(/^(\d+)$/m.exec(output)?.[1])).toBeLessThan(20);
    expect(output).toContain('No such process');
  });

  it('can not change the machine through /proc, /sys, /usr or a device', async () => {
    const sandbox = await startSandbox('bubblewrap');
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    const attempts = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sysrq-trigger',
      '/proc/sys/vm/drop_caches',
      '/usr/bin/gatehouse-test',
      '/etc/passwd',
    ];
    const script = attempts.map((path) => `(echo x > ${path}) 2>/dev/null && echo wrote ${path}`).join('; ');
    const { output } = await runIn(sandbox, `${script}; ls /sys 2>/dev/null; ls /dev | tr "\\n" " "`);
    expect(output).not.toContain('wrote');
    expect(output).not.toMatch(/\b(sda|vda|mem|kmsg|kvm|loop0)\b/);
    expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
  });

  it('can not mount, and can not leave by /proc/1/root', async () => {
    const folder = mintFolder();
    writeFileSync(join(folder, 'outside'), 'outside');
    const sandbox = await startSandbox('bubblewrap');
    const { output } = await runIn(
      sandbox,
      `mount -t tmpfs none /tmp && echo mounted; cat /proc/*/root${folder}/outside; cat /proc/*/cwd${folder}/outside`,
    );
    expect(output).not.toContain('mounted');
    expect(output).not.toMatch(/^outside$/m);
  });

  it('has no terminal of the runner into which it could type (TIOCSTI)', async () => {
    const sandbox = await startSandbox('bubblewrap');
    const attack = 'import fcntl,termios,os\nfd=os.open("/dev/tty",os.O_RDWR)\nfcntl.ioctl(fd,termios.TIOCSTI,b"x")\nprint("typed")';
    const { output } = await runIn(
      sandbox,
      `python3 -c '${attack}' 2>&1 | tail -1; (: < /dev/tty) 2>/dev/null && echo opened; cut -d" " -f7 /proc/self/stat`,
    );
    expect(output).not.toContain('typed');
    expect(output).not.toContain('opened');
    // No process of the sandbox has a controlling terminal before it makes one itself.
    expect(output.split('\n').at(-1)).toBe('0');
  });

  it('serves no path with ".." and follows links only to what the sandbox shows', async () => {
    const folder = mintFolder();
    writeFileSync(join(folder, 'outside'), 'outside');
    const sandbox = await startSandbox('bubblewrap');
    await runIn(sandbox, `ln -s ${folder}/outside ~/link; ln -s / ~/slash`);
    expect(await read(sandbox, '../../../etc/passwd')).toMatchObject({ ok: false, code: 'invalid' });
    expect(await read(sandbox, 'link')).toMatchObject({ ok: true, entry: { kind: 'symlink' } });
    expect(await read(sandbox, `slash${folder}/outside`)).toMatchObject({ ok: false, code: 'not-found' });
    expect(await read(sandbox, 'slash/home/dev')).toMatchObject({ ok: true, entry: { kind: 'directory' } });
  });

  it('shows all terminals the same processes and /tmp, which others do not share', async () => {
    const sandbox = await startSandbox('bubblewrap');
    await runIn(sandbox, 'echo here > /tmp/shared; sleep 4242 & disown');
    const again = await runIn(sandbox, 'cat /tmp/shared; cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(again.output).toContain('here');
    expect(again.output).toContain('sleep 4242');
    const other = await startSandbox('bubblewrap');
    expect((await runIn(other, 'ls /tmp; cat /proc/[0-9]*/cmdline | tr "\\0" " "')).output).not.toMatch(/shared|4242/);
  });

  it('leaves no process behind when it is stopped', async () => {
    const sandbox = await startSandbox('bubblewrap');
    const mark = `77${process.pid}77`;
    await runIn(sandbox, `(setsid sleep ${mark} >/dev/null 2>&1 &) ; (trap "" TERM HUP; sleep ${mark}1 & ) ; true`);
    expect(isAlive(mark)).toBe(true);
    await sandbox.stop();
    await sandbox.ended;
    expect(isAlive(mark)).toBe(false);
  });

  it('keeps its files for the next sandbox', async () => {
    const plan = mintPlan();
    const first = await startSandbox('bubblewrap', plan);
    await runIn(first, 'echo kept > ~/note');
    await first.stop();
    const second = await startSandbox('bubblewrap', plan);
    expect((await runIn(second, 'cat ~/note; git config user.email')).output).toBe('kept\nada@acme.test');
  });

  it('stops a fork bomb at its limit', async () => {
    const sandbox = await startSandbox('bubblewrap');
    expect((await runIn(sandbox, 'ulimit -u; ulimit -c')).output).toBe('4096\n0');
  });
});

describe('the process driver', () => {
  it('gives the environment of the template and none of the runner', async () => {
    process.env['GATEHOUSE_TEST_SECRET'] = 'must-not-travel';
    const sandbox = await startSandbox('process', mintPlan({ environment: { COLOUR: 'blue', HOME: '/elsewhere' } }));
    delete process.env['GATEHOUSE_TEST_SECRET'];
    const { output } = await runIn(sandbox, 'echo $COLOUR $HOME; env');
    expect(output).toContain(`blue ${sandbox.root}`);
    expect(output).not.toContain('must-not-travel');
  });

  it('kills also what left its parent behind', async () => {
    const plan = mintPlan();
    const sandbox = await startSandbox('process', plan);
    const mark = `88${process.pid}88`;
    await runIn(sandbox, `setsid sleep ${mark} >/dev/null 2>&1 & disown`);
    // It has another name until its program runs.
    await expect.poll(() => isAlive(mark)).toBe(true);
    await sandbox.stop();
    expect(isAlive(mark)).toBe(false);
    expect(existsSync(join(plan.folder, 'home'))).toBe(true);
  });
});
