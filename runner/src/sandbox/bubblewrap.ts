import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { templateLimits, type TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import { messageOf } from '../failure.ts';
import type { Bounds, Limiter } from '../limits/limiter.ts';
import { inNamespaceOf } from '../limits/processes.ts';
import { watchOver } from '../limits/watch.ts';
import { identify, type ProcessId } from '../state/process-id.ts';
import { attachSandbox, killProcesses } from './attach.ts';
import { scratchArguments, SEALED, withBytes } from './bubblewrap-limits.ts';
import { networkArguments, networkFiles, whyNoNetwork as whyNoNetworkWith } from './bubblewrap-network.ts';
import { systemArguments, toolsOf, type Tools } from './bubblewrap-system.ts';
import type { Sandbox, SandboxDriver, SandboxParts, SandboxPlan, SandboxTrace } from './driver.ts';
import { ADOPTED_WITHIN_MS, HELPER_FLAGS, READY_WITHIN_MS } from './helper-program.ts';
import { controlOf, environmentOf, giveHomeTo, homeOf, ownUser, prepareHome, writeControl, type User } from './prepare.ts';
import { scopeIn } from './scope.ts';
import { seccompFilter } from './seccomp.ts';
import { listenIn } from './socket.ts';
import { lastWords, recordWords } from './words.ts';

const HOME = '/home/dev';
const PARTS = '/opt/gatehouse';
const CONTROL = '/etc/gatehouse';

const isRoot = () => process.getuid?.() === 0;

const namespaceArguments = (hostname: string): string[] => [
  ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--hostname', hostname],
  ...(isRoot()
    ? // Only until `setpriv` has become the workspace's user; it then gives up these too.
      ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP']
    : ['--unshare-user', '--disable-userns', '--uid', '1000', '--gid', '1000', '--cap-drop', 'ALL']),
  '--clearenv',
  ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
  ...['--perms', '0755', '--dir', '/home', '--perms', '0755', '--dir', '/run', '--chdir', '/'],
];

/** Folder that holds the packages of a scope. */
const scopeOf = (name: string): string => dirname(`${PARTS}/node_modules/${name}`);

const ownArguments = (plan: SandboxPlan, parts: SandboxParts): string[] => {
  const control = controlOf(plan);
  return [
    ...['--bind', homeOf(plan), HOME, '--ro-bind', control, CONTROL],
    ...['--ro-bind', `${control}/passwd`, '/etc/passwd', '--ro-bind', `${control}/group`, '/etc/group'],
    ...['/opt', PARTS, `${PARTS}/node_modules`, ...new Set(Object.keys(parts.packages).map(scopeOf))].flatMap((folder) => [
      ...['--perms', '0755', '--dir', folder],
    ]),
    ...['--ro-bind', parts.node, `${PARTS}/node`, '--ro-bind', parts.helper, `${PARTS}/helper.mjs`],
    ...Object.entries(parts.packages).flatMap(([name, folder]) => ['--ro-bind', folder, `${PARTS}/node_modules/${name}`]),
    ...['--setenv', 'HOME', HOME, '--setenv', 'PATH', '/usr/bin:/bin'],
  ];
};

const become = (user: User, { setpriv }: Tools): string[] =>
  isRoot()
    ? [...setpriv, `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--']
    : [];

/** Why bubblewrap can't be used here, or null: found out by really making a sandbox. */
export function whyNoBubblewrap(): string | null {
  if (process.platform !== 'linux') return 'bubblewrap needs Linux';
  const limits = templateLimits.parse({});
  const args = ['--die-with-parent', ...namespaceArguments('probe'), ...scratchArguments(limits), ...systemArguments(null), ...SEALED];
  const tools = toolsOf(null);
  const command = [...become(ownUser('probe'), tools), ...tools.prlimit, '--core=0', '--', '/bin/bash', '-c', ':'];
  const filter = seccompFilter();
  const run = (file: number | 'ignore') =>
    spawnSync('bwrap', [...args, ...(file === 'ignore' ? [] : ['--seccomp', '3']), '--', ...command], {
      encoding: 'utf8',
      timeout: 10_000,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      stdio: ['ignore', 'ignore', 'pipe', file],
    });
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  const probe = filter === null ? run('ignore') : withBytes(folder, 'filter', filter, run);
  rmSync(folder, { recursive: true });
  if (probe.error !== undefined)
    return 'code' in probe.error && probe.error.code === 'ENOENT' ? 'bwrap is not installed' : probe.error.message;
  return probe.status === 0 ? null : `bwrap can't make a sandbox: ${probe.stderr.trim().split('\n').at(-1) ?? ''}`;
}

/** Why no sandbox can have a network of its own here, or null. */
export function whyNoNetwork(): string | null {
  const args = [...namespaceArguments('probe'), ...scratchArguments(templateLimits.parse({})), ...systemArguments(null), ...SEALED];
  return whyNoNetworkWith(args, become(ownUser('probe'), toolsOf(null)));
}

/**
 * Starts `command` behind bubblewrap; it inherits the listening socket as file descriptor 5.
 * @param outside put before bubblewrap itself
 * @returns the first process of its process namespace: when it ends, the kernel has ended all others
 */
async function spawnBubblewrap(folder: string, outside: string[], args: string[], command: string[]): Promise<ProcessId> {
  const filter = seccompFilter();
  const [file = '', ...before] = [...outside, 'bwrap'];
  const options = [...before, '--args', '3', '--json-status-fd', '4', ...(filter === null ? [] : ['--seccomp', '6'])];
  // `detached` gives it a session without the runner's terminal, into which it could otherwise type (TIOCSTI).
  const spawnIt = (listening: number, log: number, settings: number, seccomp: number) =>
    spawn(file, [...options, '--', ...command], {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      detached: true,
      // Standard input tells the helper that this runner is gone, for as long as that has no connection.
      stdio: ['pipe', 'ignore', log, settings, 'pipe', listening, seccomp],
    });
  // In a file, so that `ps` inside the sandbox shows none of this machine's paths.
  const text = args.map((argument) => `${argument}\0`).join('');
  const child = await listenIn(folder, (listening) =>
    recordWords(folder, (log) =>
      withBytes(folder, 'sandbox.args', text, (settings) =>
        withBytes(folder, 'sandbox.filter', filter ?? '', (seccomp) => spawnIt(listening, log, settings, seccomp)),
      ),
    ),
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
  made: Pick<Bounds, 'cgroup'> & Omit<SandboxTrace, 'kind' | 'limits'> & { limits: TemplateLimits },
  withinMs: number,
): Promise<Sandbox> {
  const { first, limits, rootfs, network, cgroup } = made;
  const attached = await attachSandbox({ folder, kill: () => killProcesses(first) }, withinMs);
  const watched = watchOver({ folder, limits, cgroup, belongs: inNamespaceOf(first.pid) }, attached);
  const trace = { kind: 'bubblewrap', first, limits, rootfs, network } as const;
  return { kind: 'bubblewrap', root: HOME, startupScript: `${CONTROL}/start-up.sh`, trace, ...watched };
}

async function startSandbox(plan: SandboxPlan, parts: SandboxParts, limiter: Limiter): Promise<Sandbox> {
  const user = isRoot() ? ownUser(plan.workspaceId) : { uid: 1000, gid: 1000 };
  prepareHome(plan);
  if (isRoot()) giveHomeTo(plan, user);
  const environment = environmentOf(plan, HOME, 'dev', `${CONTROL}/gitconfig`);
  const forwards = plan.network?.forwards ?? [];
  writeControl(plan, { root: HOME, environment, graceMs: plan.graceMs, mark: null, forwards }, user, networkFiles(plan));
  const rootfs = plan.rootfs?.folder ?? null;
  const system = [...scratchArguments(plan.limits), ...systemArguments(rootfs)];
  const tools = toolsOf(rootfs);
  const own = [...ownArguments(plan, parts), ...tools.binds, ...networkArguments(plan, controlOf(plan))];
  const args = [...namespaceArguments(plan.name), ...system, ...own, ...SEALED];
  const helper = [...tools.loader, `${PARTS}/node`, ...HELPER_FLAGS, `${PARTS}/helper.mjs`, '5', `${CONTROL}/settings.json`];
  let bounds: Bounds | null = null;
  try {
    bounds = limiter.bound(plan.workspaceId, plan.limits);
    const command = [...become(user, tools), ...tools.prlimit, ...bounds.inside, ...scopeIn(controlOf(plan), CONTROL), ...helper];
    const first = await spawnBubblewrap(plan.folder, bounds.outside, args, command);
    const network = plan.network === null ? 'machine' : 'own';
    const made = { first, network, cgroup: bounds.cgroup, limits: plan.limits, rootfs: plan.rootfs?.digest ?? null } as const;
    return await takeSandbox(plan.folder, made, READY_WITHIN_MS);
  } catch (error) {
    await bounds?.cgroup?.remove();
    throw new Error(`The sandbox could not start: ${messageOf(error)}`, { cause: error });
  }
}

export const bubblewrapDriver = (parts: SandboxParts, limiter: Limiter): SandboxDriver => ({
  kind: 'bubblewrap',
  start: (plan) => startSandbox(plan, parts, limiter),
  adopt: (folder, { first, limits, rootfs, network }) => {
    const made = { first, network, cgroup: limiter.cgroupOf(first.pid), limits: limits ?? templateLimits.parse({}), rootfs };
    return takeSandbox(folder, made, ADOPTED_WITHIN_MS);
  },
});
