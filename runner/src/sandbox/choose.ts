import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Log } from '../log.ts';
import { killMarked } from '../marked.ts';
import { killProcesses } from './attach.ts';
import { bubblewrapDriver, whyNoBubblewrap, whyNoNetwork } from './bubblewrap.ts';
import { findContainers } from './container/find-containers.ts';
import type { DriverKind, SandboxDriver, SandboxParts, SandboxTrace } from './driver.ts';
import { processDriver } from './process.ts';
import { whyNoScope } from './scope.ts';
import { removeSocket } from './socket.ts';

/** What this machine can do to isolate workspaces. */
export interface Drivers {
  offered: DriverKind[];
  warnings: string[];
  /** why sandboxes can't have a network of their own; null: they can */
  noNetwork: string | null;
  /** the driver for an order, or why it must be refused, naming the field */
  choose(order: Pick<WorkspaceOrder, 'spec'>): SandboxDriver | string;
  /** that of a sandbox which an earlier runner started */
  adopt: SandboxDriver['adopt'];
  /** Ends what earlier runners may have left running in a workspace's folder. */
  sweep(folder: string, trace: SandboxTrace | null): Promise<void>;
}

export interface DriverOptions {
  useBubblewrap: boolean;
  /** socket of the container engine; undefined: it is looked for; `none` */
  engine: string | undefined;
  /** state folder */
  root: string;
}

const MOST_WARNING = 300;

/** Isolates wherever it can: a template that would do without isolation gets it too where bubblewrap is there. */
export async function findDrivers(parts: SandboxParts, limiter: Limiter, log: Log, options: DriverOptions): Promise<Drivers> {
  const missing = options.useBubblewrap ? whyNoBubblewrap() : 'switched off by --no-bubblewrap';
  const containers = await findContainers(parts, options);
  const [plain, isolating] = [processDriver(parts, limiter), bubblewrapDriver(parts, limiter)];
  const noNetwork = missing === null ? whyNoNetwork() : containers.missing === null ? null : missing;
  const elsewhere = containers.missing === null ? ' OUTSIDE CONTAINERS' : '';
  const errors = [
    ...(missing === null ? [] : [`NO ISOLATION${elsewhere}: ${missing}. Workspaces run as this runner's own user and can read its keys.`]),
    ...(missing === null && noNetwork !== null
      ? [`EGRESS IS NOT LIMITED: ${noNetwork}. Workspaces whose policy limits it are refused here.`]
      : []),
  ];
  const noScope = missing === null ? whyNoScope() : null;
  const lacking = [...limiter.warnings, ...(noScope === null ? [] : [noScope]), ...containers.warnings];
  for (const error of errors) log.error(error);
  for (const warning of lacking) log.warn(warning);

  const choose: Drivers['choose'] = ({ spec }) => {
    if (spec.driver === 'container')
      return containers.missing === null && containers.driver !== null
        ? containers.driver
        : `The template asks for a container (driver: container), which this runner can't give: ${containers.missing}`;
    if (missing === null) return isolating;
    if (spec.driver !== 'process') return `The template asks for isolation (driver: bubblewrap), which this runner can't give: ${missing}`;
    return spec.rootfs === null ? plain : `The template names a root file system (rootfs), which needs isolation: ${missing}`;
  };
  const adopt: Drivers['adopt'] = async (folder, trace) => {
    if (trace.kind === 'container') {
      if (containers.driver === null) throw new Error(`its container engine is not there: ${containers.missing}`);
      return containers.driver.adopt(folder, trace);
    }
    return (trace.kind === 'process' ? plain : isolating).adopt(folder, trace);
  };
  const sweep: Drivers['sweep'] = async (folder, trace) => {
    // Its helper is a process of this machine, whatever the engine does.
    if (trace !== null) await killProcesses(trace.first, () => killMarked(folder));
    else killMarked(folder);
    await containers.driver?.sweep(folder);
    removeSocket(folder);
  };
  return {
    offered: [
      ...(missing === null ? (['bubblewrap'] as const) : []),
      ...(containers.missing === null ? (['container'] as const) : []),
      'process',
    ],
    warnings: [...errors, ...lacking].map((warning) => warning.slice(0, MOST_WARNING)),
    ...{ noNetwork, choose, adopt, sweep },
  };
}
