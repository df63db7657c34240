import { z } from 'zod';
import { time } from './common.ts';

/** `capacity`: workspaces that run on it at once; null: as many as there are. A smaller one stops nothing that runs. */
export const runnerUpdate = z.object({
  capacity: z
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(10_000, 'must be at most 10,000')
    .nullable(),
});

/** `until`: then what still runs is stopped; null: it may go on as long as it likes. */
export const runnerDrain = z.object({ until: time.nullable() });

/** The fingerprint of the keys that the runner has from now on. */
export const runnerKeysChanged = z.object({ fingerprint: z.string() });
