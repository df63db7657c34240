import { templateLimits, type TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { templateSpec } from '@gatehouse/core/api/templates.ts';
import type { Failure } from '@gatehouse/core/protocol/workspace-phases.ts';
import { z } from 'zod';
import type { HelperClient } from '../channel/helper-client.ts';
import { processId } from '../state/process-id.ts';

export type DriverKind = z.infer<typeof templateSpec>['driver'];

/** A network of its own, and the ways out of it that the runner serves. */
export interface SandboxNetwork {
  /** folder on this machine, and where the sandbox sees it */
  sockets: { folder: string; inside: string };
  environment: Record<string, string>;
  /** goes into the system's configuration of git */
  gitConfig: string;
  /** loopback ports that lead to these sockets, both as the sandbox sees them */
  forwards: { port: number; socket: string }[];
}

/** One workspace's place on this machine and what its sandbox is made from. */
export interface SandboxPlan {
  workspaceId: string;
  name: string;
  owner: { name: string; email: string };
  /** folder of the workspace in the state folder: `home` is the user's, `sandbox` is made anew at each start */
  folder: string;
  environment: Record<string, string>;
  startupScript: string;
  /** how long it lives on without a runner, in milliseconds */
  graceMs: number;
  limits: TemplateLimits;
  /** the root file system that its programs see, unpacked in `folder`; null: the machine's own */
  rootfs: { digest: string; folder: string } | null;
  /** the image that a container is made from; null for other drivers */
  image: string | null;
  /** null: the machine's network */
  network: SandboxNetwork | null;
}

/** What a workspace uses of the machine; null where this machine can't tell. */
export interface Usage {
  /** processor time since its sandbox was started, in milliseconds: two readings make a load */
  cpuMs: number | null;
  /** bytes that the machine could not take back at once */
  memoryBytes: number | null;
  /** processes and threads */
  processes: number | null;
  /** bytes of its home, as last measured */
  diskBytes: number | null;
  /** processor time of what stood in the foreground of its terminals, added up since it was first asked for: two readings tell work */
  foregroundMs: number | null;
}

/** A limit that a sandbox ran into. */
export interface Trouble {
  reason: Extract<Failure, 'out-of-memory' | 'home-full'>;
  /** for a person to read, as a part of a sentence */
  words: string;
}

/** What a later runner needs to find a sandbox again. */
export const sandboxTrace = z.object({
  kind: z.enum(['bubblewrap', 'container', 'process']),
  /** its first process, with which all of it ends, or its helper where it has no process namespace */
  first: processId,
  /** what it may use, so that the next runner watches over it too; a release before did not say */
  limits: templateLimits.optional(),
  /** digest of the root file system that it uses */
  rootfs: z.string().nullable().default(null),
  /** a sandbox of a release before has the machine's */
  network: z.enum(['machine', 'own']).default('machine'),
  /** of the driver `container`: its engine's name for it */
  container: z.string().optional(),
});
export type SandboxTrace = z.infer<typeof sandboxTrace>;

export interface Sandbox {
  kind: DriverKind;
  helper: HelperClient;
  /** home of the workspace as its programs see it */
  root: string;
  /** the start-up script as its programs see it */
  startupScript: string;
  trace: SandboxTrace;
  /** what it uses now, with all that runs in it */
  usage(): Promise<Usage>;
  /** the limit that it has run into last; null: none, or long ago */
  trouble(): Trouble | null;
  /** resolves with the reason when the sandbox is over, wanted or not; never once it is left */
  ended: Promise<string>;
  /** kills everything in it; resolves when nothing is left */
  stop(): Promise<void>;
  /** leaves it to the next runner */
  leave(): void;
}

export interface SandboxDriver {
  kind: DriverKind;
  /**
   * Where sandboxes are made from images: fetches one, unless it is here.
   * @param progress is told lines for the log, and how much is here, from 0 to 1
   * @throws Error with what failed, for a person to read
   */
  pull?(image: string, progress: (line: string | null, part: number) => void, signal: AbortSignal): Promise<void>;
  /** The sandbox ends with this runner until its helper is told to keep it. @throws Error with what failed, for a person to read */
  start(plan: SandboxPlan): Promise<Sandbox>;
  /** Takes over what an earlier runner left running. @throws Error with why that can't be; nothing of it runs then */
  adopt(folder: string, trace: SandboxTrace): Promise<Sandbox>;
}

/** The programs that a driver puts into a sandbox. */
export interface SandboxParts {
  node: string;
  helper: string;
  /** folders of the PTY packages by name */
  packages: Record<string, string>;
}
