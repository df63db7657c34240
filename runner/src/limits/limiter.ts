import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import { CONTROLLERS, type Cgroup, type Controller, type Version } from './cgroup.ts';
import { enclose } from './enclose.ts';
import { cgroupOf, findCgroups } from './find-cgroups.ts';
import { prlimitArguments, processBounds } from './rlimits.ts';

/** The bounds of one new sandbox. */
export interface Bounds {
  cgroup: Cgroup | null;
  /** put before its first command, on the machine */
  outside: string[];
  /** put before the command inside, which is the workspace's user by then */
  inside: string[];
}

/** How this machine holds workspaces to their limits. */
export interface Limiter {
  version: Version | null;
  controls: readonly Controller[];
  /** what it can't do, in words for the runner's page */
  warnings: string[];
  /** @throws Error when the kernel refuses */
  bound(workspaceId: string, limits: TemplateLimits): Bounds;
  /** that of a sandbox which runs */
  cgroupOf(pid: number): Cgroup | null;
  /** takes away what it has made, unless workspaces run on in it */
  close(): void;
}

const INSTEAD: Record<Controller, string> = {
  memory: 'memory is bounded for each process, and a workspace that uses too much in all is stopped within seconds',
  pids: 'processes are bounded for each user of the machine',
  cpu: 'CPU is not bounded',
};

/** A lower place in the queue for processors, where their number can't be bounded. */
const POLITE = ['/usr/bin/nice', '-n', '10'];

/** Finds out what the machine can do. @param stateRoot tells apart the runners of one machine */
export function findLimiter(stateRoot: string): Limiter {
  const found = findCgroups(stateRoot);
  const cgroups = typeof found === 'string' ? null : found;
  const controls = cgroups?.controls ?? [];
  const missing = CONTROLLERS.filter((controller) => !controls.includes(controller));
  const why = typeof found === 'string' ? ` (${found.slice(0, 60)})` : '';
  const warnings =
    missing.length === 0
      ? []
      : [`No cgroups for ${missing.join(', ')}${why}: ${missing.map((controller) => INSTEAD[controller]).join('; ')}`.slice(0, 300)];
  let count = 0;
  return {
    version: cgroups?.version ?? null,
    controls,
    warnings,
    bound: (workspaceId, limits) => {
      const inside = prlimitArguments(processBounds(limits, controls));
      const polite = limits.cpus !== null && !controls.includes('cpu') ? POLITE : [];
      if (cgroups === null) return { cgroup: null, outside: [...enclose([]), ...polite], inside };
      const cgroup = cgroups.root.child(`${workspaceId}.${process.pid}-${++count}`);
      cgroup.make();
      cgroup.boundTo(limits);
      return { cgroup, outside: [...enclose(cgroup.places), ...polite], inside };
    },
    cgroupOf,
    close: () => void cgroups?.root.tryRemove(),
  };
}
