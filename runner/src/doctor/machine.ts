import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { dirname } from 'node:path';
import type { Limiter } from '../limits/limiter.ts';
import { whyNoBubblewrap } from '../sandbox/bubblewrap.ts';
import { whyNoScope } from '../sandbox/scope.ts';
import { seccompFilter } from '../sandbox/seccomp.ts';
import { failing, fine, warning, type Check } from './check.ts';

const GIBI = 1024 ** 3;
const isRoot = () => process.getuid?.() === 0;

/** "1.9" is older than "1.10". */
const isOlder = (version: string, wanted: readonly number[]): boolean => {
  const parts = version.split('.').map(Number);
  const at = wanted.findIndex((part, index) => (parts[index] ?? 0) !== part);
  return at !== -1 && (parts[at] ?? 0) < (wanted[at] ?? 0);
};

const versionIn = (text: string): string | null => /(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? null;

export function checkNode(version = process.versions.node): Check {
  const found = `Node ${version}`;
  return isOlder(version, [22, 17]) ? failing('node', 'Node', found, 'Install Node 22.17 or newer.') : fine('node', 'Node', found);
}

export function checkKernel(platform = process.platform, kernel = release()): Check {
  if (platform !== 'linux') return failing('kernel', 'Kernel', `This is ${platform}`, 'Workspaces run on Linux.');
  const found = `Linux ${kernel}`;
  if (isOlder(kernel, [5, 4]))
    return warning('kernel', 'Kernel', found, 'Use a kernel that its makers still mend, 5.4 or newer: all workspaces share it.');
  return fine('kernel', 'Kernel', found);
}

/** what each is needed for, and the package that has it */
const TOOLS: Record<string, [need: string, packageName: string, isNeeded: boolean]> = {
  bash: ['shells of workspaces', 'bash', true],
  prlimit: ['limits of each process', 'util-linux', true],
  setpriv: ['users of workspaces', 'util-linux', true],
  git: ['cloning repositories', 'git', false],
  du: ['the size of homes', 'coreutils', false],
  unshare: ['the size of homes with closed folders', 'util-linux', false],
  ldd: ['root file systems of templates', 'libc-bin', false],
};

export function checkTools(has = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0): Check {
  const missing = Object.entries(TOOLS).filter(([name]) => !has(name));
  if (missing.length === 0) return fine('tools', 'Tools', `${Object.keys(TOOLS).join(', ')} are there`);
  const found = `Missing: ${missing.map(([name, [need]]) => `${name} (${need})`).join(', ')}`;
  const remedy = `Install ${[...new Set(missing.map(([, [, packageName]]) => packageName))].join(', ')}.`;
  return (missing.some(([, [, , isNeeded]]) => isNeeded) ? failing : warning)('tools', 'Tools', found, remedy);
}

const NAMESPACES = ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'net'] as const;

/** Makes one of each kind, as bubblewrap would. */
export function checkNamespaces(): Check {
  const made = NAMESPACES.filter((kind) => {
    const own = isRoot() || kind === 'user' ? [] : ['--user'];
    return spawnSync('unshare', [...own, `--${kind}`, ...(kind === 'pid' ? ['--fork'] : []), '--', 'true'], { timeout: 5000 }).status === 0;
  });
  const lacking = NAMESPACES.filter((kind) => !made.includes(kind) && !(kind === 'user' && isRoot()));
  if (lacking.length === 0) return fine('namespaces', 'Namespaces', made.join(', '));
  const remedy =
    'Allow unprivileged user namespaces (Debian: sysctl kernel.unprivileged_userns_clone=1; Ubuntu: an AppArmor profile for bwrap), or let the container have them.';
  return failing('namespaces', 'Namespaces', `Can’t be made: ${lacking.join(', ')}`, remedy);
}

export function checkBubblewrap(): Check {
  const asked = spawnSync('bwrap', ['--version'], { encoding: 'utf8' });
  const version = asked.error === undefined ? versionIn(asked.stdout) : null;
  if (version === null)
    return failing(
      'bubblewrap',
      'bubblewrap',
      'bwrap is not installed',
      'Install it: apt-get install bubblewrap, or dnf install bubblewrap.',
    );
  if (isOlder(version, [0, 8])) return failing('bubblewrap', 'bubblewrap', `bwrap ${version}`, 'Install 0.8 or newer.');
  const missing = whyNoBubblewrap();
  if (missing !== null)
    return failing('bubblewrap', 'bubblewrap', missing, 'See the line on namespaces; without it workspaces are not isolated.');
  return fine('bubblewrap', 'bubblewrap', `bwrap ${version} makes sandboxes`);
}

export function checkSeccomp(): Check {
  const status = readFileSync('/proc/self/status', 'utf8');
  if (seccompFilter() === null)
    return warning(
      'seccomp',
      'Kernel calls',
      `There is no filter for ${process.arch}`,
      'Use a machine with x86-64 or ARM64: others are not filtered.',
    );
  if (!status.includes('Seccomp:'))
    return failing('seccomp', 'Kernel calls', 'The kernel can’t filter them', 'Use a kernel with CONFIG_SECCOMP_FILTER.');
  return fine('seccomp', 'Kernel calls', 'are filtered in every sandbox');
}

export function checkScope(): Check {
  const missing = whyNoScope();
  if (missing !== null)
    return warning(
      'scope',
      'Abstract sockets',
      missing,
      'Use Linux 6.12 or newer, or limit egress by the policy: those workspaces have a network of their own.',
    );
  return fine('scope', 'Abstract sockets', 'of the machine are out of reach');
}

export function checkLimits({ version, controls, warnings }: Pick<Limiter, 'version' | 'controls' | 'warnings'>): Check {
  const [lacking] = warnings;
  if (lacking === undefined) return fine('cgroups', 'Limits', `cgroup ${version ?? ''} bounds ${controls.join(', ')}; disk is measured`);
  return warning(
    'cgroups',
    'Limits',
    lacking,
    'Run it as a systemd service with Delegate=yes and DelegateSubgroup=runner (systemd 254), or as root.',
  );
}

/** A sandbox with a terminal has about 20 open here, and each watched home an inotify instance of the runner's user. */
const [FEW_FILES, FEW_INSTANCES, FEW_WATCHES] = [8192, 512, 65_536];

const numberIn = (file: string, pattern = /(\d+)/): number | null => {
  try {
    return Number(pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? NaN) || null;
  } catch {
    return null;
  }
};

export interface Handles {
  /** open files that this process may have; and inotify instances and watches of one user; null: not known */
  files: number | null;
  instances: number | null;
  watches: number | null;
}

export const readHandles = (): Handles => ({
  files: numberIn('/proc/self/limits', /^Max open files\s+\d+\s+(\d+)/m),
  instances: numberIn('/proc/sys/fs/inotify/max_user_instances'),
  watches: numberIn('/proc/sys/fs/inotify/max_user_watches'),
});

export function checkHandles({ files, instances, watches }: Handles): Check {
  const few = [
    ...(files !== null && files < FEW_FILES ? [[`${files} open files`, `LimitNOFILE=65536 in the unit`]] : []),
    ...(instances !== null && instances < FEW_INSTANCES ? [[`${instances} inotify instances`, 'fs.inotify.max_user_instances=1024']] : []),
    ...(watches !== null && watches < FEW_WATCHES ? [[`${watches} inotify watches`, 'fs.inotify.max_user_watches=524288']] : []),
  ];
  if (few.length === 0) return fine('handles', 'Files and watches', 'enough for many workspaces');
  const found = `Few for many workspaces: ${few.map(([what]) => what).join(', ')}`;
  return warning(
    'handles',
    'Files and watches',
    found,
    `Set ${few.map(([, how]) => how).join(', ')}: beyond, files are not watched any more.`,
  );
}

/** @param root state folder, which may not be there yet */
export function checkFolder(root: string): Check {
  const there = existsSync(root);
  if (there && (statSync(root).mode & 0o077) !== 0)
    return failing('state', 'State folder', `Others may look into ${root}`, `chmod 700 ${root}`);
  if (there && process.getuid !== undefined && statSync(root).uid !== process.getuid())
    return failing('state', 'State folder', `${root} belongs to another user`, 'Run this as the runner’s user.');
  let place = root;
  while (!existsSync(place)) place = dirname(place);
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const found = `${there ? root : `${root} (not there yet)`}, ${(free / GIBI).toFixed(1)} GB free`;
  if (free < GIBI / 2) return failing('state', 'State folder', found, 'Make room: workspaces can’t start without.');
  return free < 5 * GIBI ? warning('state', 'State folder', found, 'Make room: homes grow.') : fine('state', 'State folder', found);
}
