import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Log } from '../log.ts';
import { killMarked } from '../marked.ts';
import { killBody } from './attach.ts';
import { bubblewrapDriver, whyNoBubblewrap, whyNoNetwork } from './bubblewrap.ts';
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

async function sweep(folder: string, trace: SandboxTrace | null): Promise<void> {
  if (trace !== null) await killBody({ folder, first: trace.first, killOthers: () => killMarked(folder) });
  else killMarked(folder);
  removeSocket(folder);
}

/** Isolates wherever it can: a template that would do without isolation gets it too where bubblewrap is there. */
export function findDrivers(parts: SandboxParts, limiter: Limiter, log: Log, useBubblewrap: boolean): Drivers {
  const missing = useBubblewrap ? whyNoBubblewrap() : 'switched off by --no-bubblewrap';
  const [plain, isolating] = [processDriver(parts, limiter), bubblewrapDriver(parts, limiter)];
  const noScope = missing === null ? whyNoScope() : null;
  const lacking = [...limiter.warnings, ...(noScope === null ? [] : [noScope])];
  for (const warning of lacking) log.warn(warning);
  const adopt: SandboxDriver['adopt'] = (folder, trace) => (trace.kind === 'process' ? plain : isolating).adopt(folder, trace);
  if (missing === null) {
    const noNetwork = whyNoNetwork();
    const unlimited = `EGRESS IS NOT LIMITED: ${noNetwork}. Workspaces whose policy limits it are refused here.`;
    if (noNetwork !== null) log.error(unlimited);
    const warnings = noNetwork === null ? lacking : [unlimited.slice(0, 300), ...lacking];
    return { offered: ['bubblewrap', 'process'], warnings, noNetwork, choose: () => isolating, adopt, sweep };
  }
  const warning = `NO ISOLATION: ${missing}. Workspaces run as this runner's own user and can read its keys.`;
  log.error(warning);
  return {
    offered: ['process'],
    warnings: [warning.slice(0, 300), ...lacking],
    noNetwork: missing,
    choose: ({ spec }) => {
      if (spec.driver !== 'process')
        return `The template asks for isolation (driver: bubblewrap), which this runner can't give: ${missing}`;
      return spec.rootfs === null ? plain : `The template names a root file system (rootfs), which needs isolation: ${missing}`;
    },
    adopt,
    sweep,
  };
}
