import { z } from 'zod';
import { STOP_REASONS } from '../access/deadline.ts';
import { idSchema } from '../ids.ts';
import { workspaceUsage } from '../protocol/workspace-usage.ts';
import { time } from './common.ts';

/** How a workspace that runs is, and when it stops by itself. */
export const workspaceHealth = z.object({
  id: idSchema('workspace'),
  /** null: its runner has not told for minutes, or can't */
  usage: workspaceUsage.nullable(),
  /** null: nothing stops it as things are */
  stop: z
    .object({
      at: time,
      why: z.enum(STOP_REASONS),
      /** how often it can be put off yet; null: as often as one likes */
      left: z.number().int().nullable(),
    })
    .nullable(),
  /** the caller may keep it running */
  mine: z.boolean(),
});
export type WorkspaceHealth = z.infer<typeof workspaceHealth>;

const MOST_ASKED = 100;
/** ids between commas */
export const healthQuery = z.object({
  ids: z
    .string()
    .max(5000)
    .transform((text) => [...new Set(text.split(','))])
    .pipe(z.array(idSchema('workspace')).min(1).max(MOST_ASKED, `must be at most ${MOST_ASKED}`)),
});
/** Only of those that run, and that the caller may see or is connected to. */
export const workspaceHealthList = z.object({ items: z.array(workspaceHealth) });

/** The stop that is to be put off, as it was shown. */
export const workspacePostpone = z.object({ why: z.enum(STOP_REASONS) });

/** What runs on one runner, with what it uses. */
export const runnerUsage = z.object({
  items: z.array(
    z.object({
      workspace: z.object({ id: idSchema('workspace'), name: z.string(), owner: z.string() }),
      usage: workspaceUsage.nullable(),
    }),
  ),
});
export type RunnerUsage = z.infer<typeof runnerUsage>;
