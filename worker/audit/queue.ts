import { z } from 'zod';

/** Queue messages are pointers: the events stay in the ledger and in R2 (a message ends at 128 KB). */

/** A sealed segment that waits to be archived. */
export const segmentPointer = z.object({ tenantId: z.string(), shard: z.string(), first: z.number().int(), last: z.number().int() });
export type SegmentPointer = z.infer<typeof segmentPointer>;

/** A destination whose cursor is behind: that of live delivery, or that of its replay. */
export const doorbell = z.object({
  tenantId: z.string(),
  shard: z.string(),
  destinationId: z.string(),
  replay: z.boolean().default(false),
});
export type Doorbell = z.input<typeof doorbell>;

/** Segments, from that event on, that are to become one file. */
export const compactionOrder = z.object({ tenantId: z.string(), shard: z.string(), compact: z.number().int() });
export type CompactionOrder = z.infer<typeof compactionOrder>;
