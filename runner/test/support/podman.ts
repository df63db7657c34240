import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Engine } from '../../src/sandbox/container/engine.ts';
import { pack, serveRegistry } from './registry.ts';

/** A real Podman for the tests, with an image of its own, made from this machine's programs. */
export interface TestEngine {
  socket: string;
  /** a small system with what hostile programs use, by its digest */
  image: string;
  /** the same without anything in it, in a registry from which it can be pulled: nothing else has it */
  pulled: { registry: string; image: string };
}

/** what the suites try in a workspace; what this machine lacks is left out */
const PROGRAMS = [
  ...[
    'bash',
    'sh',
    'env',
    'ls',
    'cat',
    'id',
    'echo',
    'head',
    'tail',
    'tr',
    'seq',
    'sleep',
    'touch',
    'mkdir',
    'rm',
    'mv',
    'cp',
    'ln',
    'chmod',
  ],
  ...[
    'chown',
    'stat',
    'readlink',
    'realpath',
    'wc',
    'sort',
    'uniq',
    'cut',
    'tee',
    'du',
    'df',
    'mkfifo',
    'mknod',
    'md5sum',
    'sha256sum',
    'stty',
  ],
  ...['timeout', 'nice', 'true', 'false', 'test', 'printf', 'pwd', 'hostname', 'uname', 'date', 'dd', 'tty', 'basename', 'dirname', 'grep'],
  ...[
    'sed',
    'mawk',
    'find',
    'xargs',
    'ps',
    'pgrep',
    'pkill',
    'kill',
    'perl',
    'git',
    'curl',
    'unshare',
    'nsenter',
    'mount',
    'umount',
    'chroot',
  ],
  ...[
    'pivot_root',
    'chrt',
    'renice',
    'setsid',
    'setpriv',
    'prlimit',
    'su',
    'sudo',
    'setcap',
    'bwrap',
    'ip',
    'nft',
    'iptables',
    'modprobe',
    'whoami',
    'ssh',
    'python3',
    'dig',
    'openssl',
    'ping',
  ],
];
const FOLDERS = [
  ...['usr/lib/x86_64-linux-gnu/perl-base', 'usr/lib/x86_64-linux-gnu/perl/5.36/Time', 'usr/lib/x86_64-linux-gnu/perl/5.36/auto/Time'],
  ...[
    'usr/lib/git-core/git-remote-http',
    'usr/lib/git-core/git-remote-https',
    'usr/share/git-core/templates',
    'usr/lib/locale/C.utf8',
    'usr/lib/python3.11',
  ],
];
const LEFT_OUT = [
  '*.pod',
  '__pycache__',
  'usr/lib/python3.11/test',
  'idlelib',
  'tkinter',
  'ensurepip',
  'lib2to3',
  'pydoc_data',
  'config-3*',
];
const LINKS = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64' };

const relative = (path: string) => path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/').slice(1);

/** Writes the system as a tarball. */
function systemTar(folder: string): string {
  const paths = ['/usr/bin', '/usr/sbin', ...(process.env['PATH'] ?? '').split(':')];
  const programs = PROGRAMS.flatMap((name) => paths.map((path) => join(path, name)).find((path) => existsSync(path)) ?? []);
  const linked = execFileSync(
    'bash',
    ['-c', 'ldd "$@" /usr/lib/git-core/git-remote-http /usr/lib/python3.11/lib-dynload/_ssl*.so 2>/dev/null || true', 'ldd', ...programs],
    {
      encoding: 'utf8',
    },
  );
  const libraries = [...linked.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  const skeleton = join(folder, 'skeleton');
  for (const name of [
    'etc',
    'tmp',
    'var/tmp',
    'home',
    'proc',
    'sys',
    'dev',
    'run',
    'root',
    'opt',
    'data',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
  ])
    mkdirSync(join(skeleton, name), { recursive: true });
  for (const [name, target] of Object.entries(LINKS)) symlinkSync(target, join(skeleton, name));
  chmodSync(join(skeleton, 'root'), 0o700);
  writeFileSync(join(skeleton, 'etc/shadow'), 'root:*:1:0:99999:7:::\n', { mode: 0o600 });
  const tar = join(folder, 'system.tar');
  const files = [...new Set([...programs, ...libraries].map(relative)), ...FOLDERS.filter((each) => existsSync(`/${each}`))];
  execFileSync(
    'tar',
    [
      '--dereference',
      '--ignore-failed-read',
      '--hard-dereference',
      ...LEFT_OUT.map((name) => `--exclude=${name}`),
      '-C',
      '/',
      '-cf',
      tar,
      ...files,
    ],
    {
      stdio: 'ignore',
    },
  );
  execFileSync('tar', ['--owner=0', '--group=0', '-C', skeleton, '-rf', tar, '.']);
  return tar;
}

/** crun takes no machine with both versions of cgroups: here the service sees a tree of the first alone. */
const ALONE = `if [ -e /sys/fs/cgroup/unified ]; then
  own=$(mktemp -d)
  mount -t tmpfs -o mode=755 cgroups "$own"
  for each in /sys/fs/cgroup/*; do
    name=\${each##*/}
    if [ ! -L "$each" ] && [ "$name" != unified ] && mountpoint -q "$each"; then mkdir "$own/$name"; mount --bind "$each" "$own/$name"; fi
  done
  mount --move "$own" /sys/fs/cgroup
  rmdir "$own"
fi
exec "$@"`;

/** @returns the engine and what ends it, or why there is none */
export async function startPodman(): Promise<(TestEngine & { close(): Promise<void> }) | string> {
  if (process.getuid?.() !== 0) return 'the tests of containers need root';
  if (spawnSync('podman', ['--version']).status !== 0) return 'podman is not installed';
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-podman-'));
  chmodSync(folder, 0o711);
  const registry = await serveRegistry();
  const registries = join(folder, 'registries.conf');
  writeFileSync(registries, `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
  const socket = join(folder, 'podman.sock');
  const podman = ['podman', '--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--cgroup-manager', 'cgroupfs'];
  const environment = { ...process.env, CONTAINERS_REGISTRIES_CONF: registries, HOME: folder, NO_PROXY: '127.0.0.1' };
  const [file = '', ...args] = ['unshare', '--mount', 'bash', '-c', ALONE, 'alone', ...podman];
  const run = (...more: string[]) =>
    execFileSync(file, [...args, ...more], { encoding: 'utf8', cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const close = async () => {
    service.kill('SIGTERM');
    await ended;
    await registry.close();
    try {
      run('rm', '--all', '--force', '--time', '0');
      run('system', 'reset', '--force');
    } catch {
      // what it did not clear away is cleared away below
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const service = spawn(file, [...args, 'system', 'service', '--time', '0', `unix://${socket}`], {
    // The monitors of its containers leave files where it was started.
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  service.stderr.on('data', (piece: Uint8Array) => (said += Buffer.from(piece).toString()));
  const ended = new Promise<void>((resolve) => service.once('exit', () => resolve()));
  try {
    const changes = [
      'ENV PATH=/opt/tools/bin:/usr/bin:/usr/sbin',
      'ENV COLOUR=blue',
      'ENV NODE_OPTIONS=--require=/data/x.cjs',
      'VOLUME /data',
    ];
    run('import', ...changes.flatMap((change) => ['--change', change]), systemTar(folder), 'localhost/system:tests');
    const digest = run('image', 'inspect', '--format', '{{.Digest}}', 'localhost/system:tests').trim();
    const pushed = await registry.push('team/empty', pack([{ name: 'data/kept', text: 'from the registry' }]));
    while (!existsSync(socket) && service.exitCode === null) await setTimeout(20);
    await Engine.at(socket);
    return { socket, image: `localhost/system@${digest}`, pulled: { registry: registry.host, image: pushed }, close };
  } catch (error) {
    await close();
    return `podman does not work here: ${error instanceof Error ? error.message : String(error)} ${said.slice(-500)}`;
  }
}
