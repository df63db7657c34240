import type { templateSpec } from '@gatehouse/core/api/templates.ts';
import type { z } from 'zod';
import type { HelperClient } from '../channel/helper-client.ts';

export type DriverKind = z.infer<typeof templateSpec>['driver'];

/** One workspace's place on this machine and what its sandbox is made from. */
export interface SandboxPlan {
  workspaceId: string;
  name: string;
  owner: { name: string; email: string };
  /** folder of the workspace in the state folder: `home` is the user's, `sandbox` is made anew at each start */
  folder: string;
  environment: Record<string, string>;
  startupScript: string;
}

export interface Sandbox {
  kind: DriverKind;
  helper: HelperClient;
  /** home of the workspace as its programs see it */
  root: string;
  /** the start-up script as its programs see it */
  startupScript: string;
  /** resolves with the reason when the sandbox is over, wanted or not */
  ended: Promise<string>;
  /** kills everything in it; resolves when nothing is left */
  stop(): Promise<void>;
}

export interface SandboxDriver {
  kind: DriverKind;
  /** @throws Error with what failed, for a person to read */
  start(plan: SandboxPlan): Promise<Sandbox>;
  /** ends what an earlier runner that was killed may have left running */
  sweep(folder: string): void;
}

/** The programs that a driver puts into a sandbox. */
export interface SandboxParts {
  node: string;
  helper: string;
  /** folders of the PTY packages by name */
  packages: Record<string, string>;
}
