import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { Log } from '../log.ts';
import { bubblewrapDriver, whyNoBubblewrap } from './bubblewrap.ts';
import type { DriverKind, SandboxDriver, SandboxParts } from './driver.ts';
import { processDriver } from './process.ts';

/** What this machine can do to isolate workspaces. */
export interface Drivers {
  offered: DriverKind[];
  warnings: string[];
  /** the driver for an order, or why it must be refused, naming the field */
  choose(order: Pick<WorkspaceOrder, 'spec'>): SandboxDriver | string;
  sweep(folder: string): void;
}

/** Isolates wherever it can: a template that would do without isolation gets it too where bubblewrap is there. */
export function findDrivers(parts: SandboxParts, log: Log, useBubblewrap: boolean): Drivers {
  const missing = useBubblewrap ? whyNoBubblewrap() : 'switched off by --no-bubblewrap';
  const plain = processDriver(parts);
  if (missing === null) {
    const isolating = bubblewrapDriver(parts);
    return { offered: ['bubblewrap', 'process'], warnings: [], choose: () => isolating, sweep: plain.sweep };
  }
  const warning = `NO ISOLATION: ${missing}. Workspaces run as this runner's own user and can read its keys.`;
  log.error(warning);
  return {
    offered: ['process'],
    warnings: [warning.slice(0, 300)],
    choose: ({ spec }) =>
      spec.driver === 'process' ? plain : `The template asks for isolation (driver: bubblewrap), which this runner can't give: ${missing}`,
    sweep: plain.sweep,
  };
}
