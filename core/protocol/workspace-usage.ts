import { z } from 'zod';
import { idSchema } from '../ids.ts';

/** What a workspace uses of its runner's machine, as its runner tells it. Null: this machine can't tell, or nothing bounds it. */

const amount = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const measured = amount.nullable();
/** of what there is at most */
const bounded = z.object({ used: measured, most: measured });

export const workspaceUsage = z.object({
  /** processors in use since the sample before, 1.5 for one and a half */
  cpu: bounded,
  /** bytes */
  memory: bounded,
  /** bytes of its home, as last measured */
  disk: bounded,
  /** processes and threads */
  processes: bounded,
  /** the limit that it has run into last, in words; null: none */
  trouble: z.string().max(300).nullable(),
  /** whether something works in the foreground of a terminal; null: not looked at for long enough */
  working: z.boolean().nullable(),
});
export type WorkspaceUsage = z.infer<typeof workspaceUsage>;

/** A message holds so many at most; more are several messages. */
export const USAGE_AT_ONCE = 500;
export const usageTold = z.object({
  kind: z.literal('usage'),
  workspaces: z.array(workspaceUsage.extend({ workspaceId: idSchema('workspace') })).max(USAGE_AT_ONCE),
});
export type UsageTold = z.infer<typeof usageTold>;

/** How often a runner tells it, in milliseconds: while somebody looks, and else. */
export const USAGE_EVERY = { watched: 10_000, else: 60_000 } as const;
/** So long after a `watch` somebody is taken to look. */
export const WATCHED_MS = 60_000;

/**
 * Work is what has used at least this share of one processor, over a minute, in the foreground of a terminal: half a second in each
 * minute. An editor, a pager or a prompt that waits for a key, and `sleep`, use a hundredth of it; builds and tests a hundred times as much.
 */
export const WORK_SHARE = 0.5 / 60;
