import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { time } from './common.ts';

/**
 * Why somebody is erased, after article 17(1) of the GDPR. A choice and no text: the reason stays in the log, and a text would
 * name the person again.
 */
export const ERASURE_REASONS = {
  asked: 'The person asked for it',
  unneeded: 'Their data is no longer needed',
  unlawful: 'Their data should not have been kept',
  ordered: 'A court or an authority ordered it',
} as const;
export type ErasureReason = keyof typeof ERASURE_REASONS;

export const erasureOrder = z.object({ reason: z.enum(Object.keys(ERASURE_REASONS) as [ErasureReason, ...ErasureReason[]]) });

/** What stands in the place of the name of somebody who is erased. */
export const ERASED_NAME = 'Somebody erased';

/** How far the erasure of a person is. */
export const erasure = z.object({
  userId: idSchema('user'),
  askedAt: time,
  /** `looking`: for their events; `rewriting`: the archive; `held`: the archive refuses, it is tried again; `done` */
  state: z.enum(['looking', 'rewriting', 'held', 'done']),
  looked: z.object({ done: z.number().int(), of: z.number().int() }).describe('events that were looked at'),
  erased: z.number().int().describe('events whose contents are gone, or are no longer shown'),
  inArchive: z.number().int().describe('of these, events that still lie in the archive as they were'),
  refusal: z.string().nullable().describe('why the archive does not let them go'),
  endedAt: time.nullable(),
});
export type Erasure = z.infer<typeof erasure>;
