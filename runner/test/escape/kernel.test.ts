import { readFileSync, writeFileSync, chmodSync } from 'node:fs';
import { exec, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scopeProgram } from '../../src/sandbox/scope.ts';
import { FORBIDDEN, UNKNOWN, seccompFilter } from '../../src/sandbox/seccomp.ts';
import { mintFolder } from '../support/mint.ts';
import { describePrisons } from './support/prison.ts';

const at = process.arch === 'arm64' ? 1 : 0;
const filtered = seccompFilter() !== null;

/** Prints the error number of a kernel call, or `done`. */
const callOf = (number: number, args = '0,0,0,0,0,0') =>
  `perl -e '$!=0; my $r=syscall(${number},${args}); print $r==-1 ? "errno ".($!+0) : "done"'`;

/** x86 of 32 bits: exit(42) by interrupt 80h, which knows other numbers than the filter */
function exit42(): Uint8Array {
  const code = [0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80, 0x0f, 0x0b];
  const bytes = new Uint8Array(84 + code.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const base = 0x08048000;
  const [word, half] = [
    (offset: number, value: number) => view.setUint32(offset, value, true),
    (offset: number, value: number) => view.setUint16(offset, value, true),
  ];
  for (const [offset, value] of [
    [16, 2],
    [18, 3],
    [40, 52],
    [42, 32],
    [44, 1],
  ] as const)
    half(offset, value);
  for (const [offset, value] of [
    [20, 1],
    [24, base + 84],
    [28, 52],
    [52, 1],
    [60, base],
    [64, base],
    [68, bytes.length],
    [72, bytes.length],
    [76, 5],
    [80, 4096],
  ] as const)
    word(offset, value);
  bytes.set(code, 84);
  return bytes;
}

describePrisons('the kernel', (prison) => {
  it.runIf(filtered)('refuses the calls that no workspace needs', async () => {
    const mallory = await prison().cell();
    const calls = Object.entries({ ...FORBIDDEN, ...UNKNOWN }).flatMap(([name, numbers]) => {
      const number = numbers[at];
      return number === undefined || number === null ? [] : [{ name, number, wanted: name in FORBIDDEN ? 'errno 1' : 'errno 38' }];
    });
    const { output } = await mallory.run(calls.map(({ name, number }) => `echo ${name} $(${callOf(number)})`).join('\n'));
    expect(output.split('\n')).toEqual(calls.map(({ name, wanted }) => `${name} ${wanted}`));
  });

  it('gives no further namespace, and lets nobody into another', async () => {
    const mallory = await prison().cell();
    const kinds = ['user', 'mount', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time'];
    const clone = (flags: number) => `${callOf(at === 0 ? 56 : 220, `${flags},0,0,0,0`)} | grep done`;
    expect(
      await mallory.escapes({
        ...Object.fromEntries(kinds.map((kind) => [`unshare ${kind}`, `unshare --${kind} true`])),
        ...Object.fromEntries(kinds.map((kind) => [`as root of a new one, ${kind}`, `unshare --map-root-user --${kind} true`])),
        'clone into a user namespace': clone(0x10000011),
        'clone into a network namespace': clone(0x40000011),
        'enter that of process 1': 'nsenter -t 1 -m -u -i -n -p -- /bin/true; nsenter -t 1 -U true',
        'a sandbox in the sandbox': 'bwrap --unshare-all --ro-bind / / true',
        'change the root': 'chroot / /bin/true',
        'pivot the root': 'mkdir -p /tmp/r; pivot_root /tmp/r /tmp/r',
        'mount a tmpfs': 'mount -t tmpfs none /tmp',
        'mount proc': 'mkdir -p /tmp/p; mount -t proc proc /tmp/p',
        'mount cgroups': 'mkdir -p /tmp/c; mount -t cgroup2 none /tmp/c; ls /tmp/c/cgroup.procs',
        'make it writable': 'mount -o remount,rw /usr; mount -o remount,rw /proc/sys; mount -o remount,rw /',
        'unmount what hides': 'umount /proc/sys; umount -l /home/dev',
      }),
    ).toEqual([]);
    expect((await mallory.run('perl -e "print 6*7"')).output).toBe('42');
  });

  it('lets itself not be set or looked into through files', async () => {
    const settings = [
      'kernel/core_pattern',
      'kernel/modprobe',
      'kernel/hotplug',
      'vm/overcommit_memory',
      'net/ipv4/ip_forward',
      'kernel/yama/ptrace_scope',
    ];
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    const mallory = await prison().cell();
    const write = (path: string) => [`write ${path}`, `echo 1 > ${path}`] as const;
    const groupFiles = 'find /sys /run /dev /tmp /proc -maxdepth 4 -name cgroup.procs 2>/dev/null';
    const read = (path: string) => [`read ${path}`, `head -c 1 ${path} | grep -a -q .`] as const;
    expect(
      await mallory.escapes({
        ...Object.fromEntries(settings.map((name) => write(`/proc/sys/${name}`))),
        ...Object.fromEntries(
          [
            '/proc/sysrq-trigger',
            '/proc/irq/0/smp_affinity',
            '/proc/1/oom_score_adj_x',
            '/sys/power/state',
            '/sys/kernel/uevent_helper',
          ].map(write),
        ),
        ...Object.fromEntries(
          [
            '/dev/mem',
            '/dev/kmem',
            '/dev/port',
            '/dev/kmsg',
            '/proc/kcore',
            '/proc/kmsg',
            '/dev/vda',
            '/dev/sda',
            '/dev/fuse',
            '/dev/kvm',
          ].map(read),
        ),
        'addresses of the kernel': 'grep -v "^0*\\s" /proc/kallsyms | grep .',
        'a device of its own': 'mknod ~/disk b 254 0 || mknod /tmp/disk b 8 0',
        'a file in /dev': 'touch /dev/x',
        'groups by their files': `for f in $(${groupFiles}); do (echo 0 > $f || echo 1 > $\{f%/*}/memory.limit_in_bytes) && exit 0; done; exit 1`,
        // With cgroups of version 1, engines show containers their own, which can't be changed.
        ...(prison().engine === null
          ? { 'cgroup files': `${groupFiles} | grep .`, 'a group outside its own': 'grep -v ":/$" /proc/self/cgroup' }
          : {}),
        'load a module': 'modprobe dummy || insmod /x.ko',
      }),
    ).toEqual([]);
    expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
  });

  it('gives no right to anybody: not by setuid programs, capabilities, or priorities', async () => {
    const mallory = await prison().cell();
    expect(
      await mallory.escapes({
        su: 'echo | su -c true',
        sudo: 'sudo -n true',
        'become root': `${callOf(at === 0 ? 105 : 146, '0')} | grep done && test $(id -u) = 0`,
        'a setuid program of its own': 'cp /usr/bin/id ~/id; chmod 4755 ~/id; ~/id -u | grep -x 0',
        'capabilities on a file': 'setcap cap_sys_admin+ep ~/id',
        'a higher priority': 'nice -n -5 true 2>&1 | grep -v -i "cannot\\|denied" || renice -n -5 $$',
        'real time': 'chrt -f 1 true',
        'be spared when memory is short': 'echo -1000 > /proc/self/oom_score_adj',
      }),
    ).toEqual([]);
    expect((await mallory.run('grep -E "^Cap(Eff|Prm|Bnd|Amb)|NoNewPrivs" /proc/self/status | tr -s "\\t\\n" " "')).output).toMatch(
      /^CapPrm: 0+ CapEff: 0+ CapBnd: 0+ CapAmb: 0+ NoNewPrivs: 1$/,
    );
  });

  it.runIf(filtered)('opens no sockets but those of common programs', async () => {
    const mallory = await prison().cell();
    const socket = (family: number, type: number, protocol = 0) => callOf(at === 0 ? 41 : 198, `${family},${type},${protocol}`);
    const closed = {
      AF_PACKET: socket(17, 3, 768),
      AF_ALG: socket(38, 5),
      AF_VSOCK: socket(40, 1),
      AF_KEY: socket(15, 3, 2),
      AF_XDP: socket(44, 3),
      AF_TIPC: socket(30, 1),
      AF_BLUETOOTH: socket(31, 3),
      AF_CAN: socket(29, 3, 1),
      AF_RDS: socket(21, 5),
    };
    const { output } = await mallory.run(
      Object.entries(closed)
        .map(([name, call]) => `echo ${name} $(${call})`)
        .join('\n'),
    );
    expect(output.split('\n')).toEqual(Object.keys(closed).map((name) => `${name} errno 97`));
    expect((await mallory.run([socket(2, 3, 1), socket(10, 3, 58), socket(2, 3, 255)].join('; echo; '))).output).toBe(
      'errno 1\nerrno 1\nerrno 1',
    );
    expect((await mallory.run([socket(1, 1), socket(2, 1), socket(10, 1), socket(16, 3)].join('; echo; '))).output).toBe(
      'done\ndone\ndone\ndone',
    );
    expect(
      await mallory.escapes({
        'take the network down': 'ip link set lo down',
        'another address': 'ip addr add 10.9.9.9/32 dev lo',
        'a rule': 'nft add table ip x || iptables -P INPUT DROP',
      }),
    ).toEqual([]);
  });

  it.runIf(scopeProgram() !== null)('leads to no socket of the machine: abstract ones, D-Bus, X11', async () => {
    const name = `gatehouse-suite-${process.pid}`;
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(`\0${name}`, resolve));
    onTestFinished(() => void server.close());
    const dial = (address: string) =>
      `perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); exit(connect(S,pack("S a*",AF_UNIX,${address}))?0:1)'`;
    const ours = `"\\0${name}"`;
    // The same program reaches it from outside ...
    expect(await new Promise((resolve) => exec(dial(ours)).once('exit', resolve))).toBe(0);
    const mallory = await prison().cell();
    expect(
      await mallory.escapes({
        'an abstract socket': dial(ours),
        X11: dial('"\\0/tmp/.X11-unix/X0"'),
        'D-Bus': dial('"/run/dbus/system_bus_socket"'),
        'the session’s D-Bus': dial('"/run/user/1000/bus"'),
        systemd: dial('"/run/systemd/private"'),
        docker: dial('"/var/run/docker.sock"'),
      }),
    ).toEqual([]);
    // ... and one of its own from inside.
    const own = `perl -MSocket -e 'my $a = pack("S a*",AF_UNIX,"\\0own"); socket(L,AF_UNIX,SOCK_STREAM,0); bind(L,$a) or exit 2; listen(L,1); socket(S,AF_UNIX,SOCK_STREAM,0); exit(connect(S,$a)?0:1)'`;
    expect((await mallory.run(own)).code).toBe(0);
  });

  it.runIf(filtered)('is not asked by other numbers: 32-bit programs and the x32 interface', async () => {
    const mallory = await prison().cell();
    if (process.arch === 'x64') {
      const program = join(mintFolder(), 'exit42');
      writeFileSync(program, exit42());
      chmodSync(program, 0o755);
      const outside = spawnSync(program).status;
      await mallory.run(`perl -e 'print pack("H*","${Buffer.from(exit42()).toString('hex')}")' > ~/exit42; chmod +x ~/exit42`);
      const inside = (await mallory.run('~/exit42')).code;
      expect([outside, inside]).not.toEqual([42, 42]);
      expect(inside).not.toBe(42);
      expect((await mallory.run(callOf(0x40000000 + 39, ''))).output).toBe('errno 38');
    }
  });
});

describe('the filter of kernel calls', () => {
  it('is there for both processors that runners have, and says for which others it is not', () => {
    for (const architecture of ['x64', 'arm64']) {
      const filter = seccompFilter(architecture);
      expect(filter?.byteLength).toBeGreaterThan(500);
      // The last instruction allows: what is not named stays possible.
      expect([...(filter?.subarray(-8) ?? [])]).toEqual([6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
    }
    expect(seccompFilter('riscv64')).toBeNull();
  });
});
