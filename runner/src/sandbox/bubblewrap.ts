import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, lstatSync, openSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { messageOf } from '../failure.ts';
import { identify, type ProcessId } from '../state/process-id.ts';
import { attachSandbox } from './attach.ts';
import { networkArguments, networkFiles, whyNoNetwork as whyNoNetworkWith } from './bubblewrap-network.ts';
import type { Sandbox, SandboxDriver, SandboxParts, SandboxPlan, SandboxTrace } from './driver.ts';
import { ADOPTED_WITHIN_MS, HELPER_FLAGS, READY_WITHIN_MS } from './helper-program.ts';
import { controlOf, environmentOf, giveTo, homeOf, prepareHome, writeControl, type User } from './prepare.ts';
import { listenIn } from './socket.ts';
import { lastWords, recordWords } from './words.ts';

const HOME = '/home/dev';
const PARTS = '/opt/gatehouse';
const CONTROL = '/etc/gatehouse';
const PROCESSES = 4096;

/** Top-level folders that a system keeps beside /usr, or as links into it. */
const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** The few things of /etc that programs need; nothing that tells who may do what on this machine. */
const ETC = [
  ...['alternatives', 'bash.bashrc', 'bash_completion.d', 'ca-certificates', 'ca-certificates.conf', 'crypto-policies', 'debian_version'],
  ...['fonts', 'gai.conf', 'host.conf', 'hosts', 'inputrc', 'java-17-openjdk', 'java-21-openjdk', 'ld.so.cache', 'ld.so.conf'],
  ...['ld.so.conf.d', 'localtime', 'magic', 'mime.types', 'nanorc', 'nsswitch.conf', 'os-release', 'pki', 'profile', 'profile.d'],
  ...['protocols', 'resolv.conf', 'rpc', 'services', 'skel', 'ssl/certs', 'ssl/openssl.cnf', 'terminfo', 'timezone', 'vim', 'wgetrc'],
];

/**
 * Root's sandboxes run as a user of their own each, from a range that no system gives out: user 0 without
 * capabilities would still own the machine's settings under /proc. Others use a user namespace instead.
 */
const FIRST_UID = 0x70000000;
const ownUser = (workspaceId: string): User => {
  const uid = FIRST_UID + (createHash('sha256').update(workspaceId).digest().readUInt32BE(0) & 0x0fffffff);
  return { uid, gid: uid };
};

const isRoot = () => process.getuid?.() === 0;

const systemArguments = (): string[] => {
  const folders = SYSTEM_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    lstatSync(folder).isSymbolicLink() ? ['--symlink', readlinkSync(folder), folder] : ['--ro-bind', folder, folder],
  );
  const etc = ETC.map((name) => `/etc/${name}`)
    .filter((path) => existsSync(path))
    // Bound by what it really is: resolv.conf is often a link to a place that the sandbox does not show.
    .flatMap((path) => ['--ro-bind', realpathSync(path), path]);
  return ['--ro-bind', '/usr', '/usr', ...folders, '--perms', '0755', '--dir', '/etc', '--perms', '0755', '--dir', '/etc/ssl', ...etc];
};

const namespaceArguments = (hostname: string): string[] => [
  ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--hostname', hostname],
  ...(isRoot()
    ? // Only until `setpriv` has become the workspace's user; it then gives up these too.
      ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP']
    : ['--unshare-user', '--disable-userns', '--uid', '1000', '--gid', '1000', '--cap-drop', 'ALL']),
  '--clearenv',
  ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
  ...['--perms', '1777', '--tmpfs', '/tmp', '--perms', '0755', '--dir', '/var', '--perms', '1777', '--dir', '/var/tmp'],
  ...['--perms', '0755', '--dir', '/home', '--perms', '0755', '--dir', '/run', '--chdir', '/'],
];

const ownArguments = (plan: SandboxPlan, parts: SandboxParts): string[] => {
  const control = controlOf(plan);
  return [
    ...['--bind', homeOf(plan), HOME, '--ro-bind', control, CONTROL],
    ...['--ro-bind', `${control}/passwd`, '/etc/passwd', '--ro-bind', `${control}/group`, '/etc/group'],
    ...['--perms', '0755', '--dir', '/opt', '--perms', '0755', '--dir', PARTS],
    ...['--perms', '0755', '--dir', `${PARTS}/node_modules`, '--perms', '0755', '--dir', `${PARTS}/node_modules/@lydell`],
    ...['--ro-bind', parts.node, `${PARTS}/node`, '--ro-bind', parts.helper, `${PARTS}/helper.mjs`],
    ...Object.entries(parts.packages).flatMap(([name, folder]) => ['--ro-bind', folder, `${PARTS}/node_modules/${name}`]),
    ...['--setenv', 'HOME', HOME, '--setenv', 'PATH', '/usr/bin:/bin'],
  ];
};

const become = (user: User): string[] =>
  isRoot()
    ? ['/usr/bin/setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--']
    : [];

const limited = ['/usr/bin/prlimit', `--nproc=${PROCESSES}`, '--core=0', '--'];

/** Why bubblewrap can't be used here, or null: found out by really making a sandbox. */
export function whyNoBubblewrap(): string | null {
  if (process.platform !== 'linux') return 'bubblewrap needs Linux';
  const args = [
    '--die-with-parent',
    ...namespaceArguments('probe'),
    ...systemArguments(),
    '--',
    ...become(ownUser('probe')),
    ...limited,
    '/bin/bash',
    '-c',
    ':',
  ];
  const probe = spawnSync('bwrap', args, { encoding: 'utf8', timeout: 10_000, env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' } });
  if (probe.error !== undefined)
    return 'code' in probe.error && probe.error.code === 'ENOENT' ? 'bwrap is not installed' : probe.error.message;
  return probe.status === 0 ? null : `bwrap can't make a sandbox: ${probe.stderr.trim().split('\n').at(-1) ?? ''}`;
}

/** Why no sandbox can have a network of its own here, or null. */
export const whyNoNetwork = (): string | null =>
  whyNoNetworkWith([...namespaceArguments('probe'), ...systemArguments()], [...become(ownUser('probe')), ...limited]);

/** Gives `start` a file that holds the arguments, so that `ps` inside the sandbox shows none of this machine's paths. */
function withArguments<T>(folder: string, args: string[], start: (file: number) => T): T {
  const path = join(folder, 'sandbox.args');
  writeFileSync(path, args.map((argument) => `${argument}\0`).join(''), { mode: 0o600 });
  const file = openSync(path, 'r');
  try {
    rmSync(path);
    return start(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Starts `command` behind bubblewrap; it inherits the listening socket as file descriptor 5.
 * @returns the first process of its process namespace: when it ends, the kernel has ended all others
 */
async function spawnBubblewrap(folder: string, args: string[], command: string[]): Promise<ProcessId> {
  // `detached` gives it a session without the runner's terminal, into which it could otherwise type (TIOCSTI).
  const spawnIt = (listening: number, log: number, file: number) =>
    spawn('bwrap', ['--args', '3', '--json-status-fd', '4', '--', ...command], {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      detached: true,
      stdio: ['ignore', 'ignore', log, file, 'pipe', listening],
    });
  const child = await listenIn(folder, (listening) =>
    recordWords(folder, (log) => withArguments(folder, args, (file) => spawnIt(listening, log, file))),
  );
  const statusPipe = child.stdio[4];
  if (!(statusPipe instanceof Readable)) throw new Error('bwrap has no pipe for its status');
  const pid = await new Promise<number>((resolve, reject) => {
    let status = '';
    statusPipe.on('data', (piece: Uint8Array) => {
      status = (status + Buffer.from(piece).toString()).slice(0, 4096);
      const found = /"child-pid":\s*(\d+)\D/.exec(status);
      if (found !== null) resolve(Number(found[1]));
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(lastWords(folder))));
  });
  const first = identify(pid);
  if (first === null) throw new Error(lastWords(folder));
  return first;
}

/** The sandbox that `first` is the first process of. @throws Error when its helper does not answer; nothing of it runs then */
async function takeSandbox(
  folder: string,
  { first, network }: Pick<SandboxTrace, 'first' | 'network'>,
  withinMs: number,
): Promise<Sandbox> {
  const attached = await attachSandbox({ folder, first, killOthers: () => false }, withinMs);
  return {
    kind: 'bubblewrap',
    root: HOME,
    startupScript: `${CONTROL}/start-up.sh`,
    trace: { kind: 'bubblewrap', first, network },
    ...attached,
  };
}

async function startSandbox(plan: SandboxPlan, parts: SandboxParts): Promise<Sandbox> {
  const user = isRoot() ? ownUser(plan.workspaceId) : { uid: 1000, gid: 1000 };
  prepareHome(plan);
  // Only a home that is new, or came from a runner of another kind: walking a large one takes long.
  if (isRoot() && lstatSync(homeOf(plan)).uid !== user.uid) giveTo(homeOf(plan), user);
  const environment = environmentOf(plan, HOME, 'dev', `${CONTROL}/gitconfig`);
  const forwards = plan.network?.forwards ?? [];
  writeControl(plan, { root: HOME, environment, graceMs: plan.graceMs, mark: null, forwards }, user, networkFiles(plan));
  const args = [
    ...[...namespaceArguments(plan.name), ...systemArguments(), ...ownArguments(plan, parts)],
    ...networkArguments(plan, controlOf(plan)),
  ];
  const helper = [`${PARTS}/node`, ...HELPER_FLAGS, `${PARTS}/helper.mjs`, '5', `${CONTROL}/settings.json`];
  try {
    const first = await spawnBubblewrap(plan.folder, args, [...become(user), ...limited, ...helper]);
    return await takeSandbox(plan.folder, { first, network: plan.network === null ? 'machine' : 'own' }, READY_WITHIN_MS);
  } catch (error) {
    throw new Error(`The sandbox could not start: ${messageOf(error)}`, { cause: error });
  }
}

export const bubblewrapDriver = (parts: SandboxParts): SandboxDriver => ({
  kind: 'bubblewrap',
  start: (plan) => startSandbox(plan, parts),
  adopt: (folder, trace) => takeSandbox(folder, trace, ADOPTED_WITHIN_MS),
});
