import { z } from 'zod';

export const WORKSPACE_PHASES = ['queued', 'starting', 'running', 'stopping', 'stopped', 'failed', 'deleted'] as const;

/** Why a workspace failed, for programs. What they mean, and the ways out, stand in core/api/workspace-states.ts. */
export const FAILURES = [
  'clone-failed',
  'start-script-failed',
  'stop-script-failed',
  'root-file-system-failed',
  'restore-failed',
  'policy-refused',
  'driver-missing',
  'connection-refused',
  'out-of-memory',
  'home-full',
  'machine-full',
  'killed',
  'failed',
] as const;
export type Failure = (typeof FAILURES)[number];

/** A workspace's place in the line before its runner, from 1, and how many run there of how many. */
export const workspaceLine = z.object({ position: z.number().int(), running: z.number().int(), capacity: z.number().int().nullable() });
export type WorkspaceLine = z.infer<typeof workspaceLine>;
