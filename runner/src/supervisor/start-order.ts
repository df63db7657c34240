import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import type { BuildLog } from '../control/build-log.ts';
import type { RootfsStore } from '../rootfs/store.ts';
import type { SandboxDriver, SandboxNetwork } from '../sandbox/driver.ts';

/** What brings a workspace up. */
export interface Start {
  order: WorkspaceOrder;
  folder: string;
  driver: SandboxDriver;
  rootfs: Pick<RootfsStore, 'use'>;
  /** null: the machine's */
  network: SandboxNetwork | null;
  log: BuildLog;
  /** aborted when the start is not wanted any more */
  signal: AbortSignal;
  progress(step: string, percent: number): void;
}
