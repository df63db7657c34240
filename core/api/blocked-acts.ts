import { z } from 'zod';
import { idSchema } from '../ids.ts';

/** What a page of the IDE kept somebody from doing, because the policy says so. */
export const BLOCKED_ACTS = ['copy', 'cut', 'drag', 'paste', 'drop', 'print'] as const;
export type BlockedAct = (typeof BLOCKED_ACTS)[number];

/** Told by the page itself, summed up: it proves nothing that a person denies, and a page that was changed tells nothing. */
export const blockedActs = z.object({
  connectionId: idSchema('connection'),
  acts: z
    .array(
      z.object({
        act: z.enum(BLOCKED_ACTS),
        /** how often since it was last told */
        count: z.number().int().min(1).max(10_000),
        /** bytes of text in all; 0 where nobody knows */
        bytes: z.number().int().min(0).max(1_000_000_000),
      }),
    )
    .min(1)
    .max(BLOCKED_ACTS.length),
});
export type BlockedActs = z.infer<typeof blockedActs>;
