import type { z } from 'zod';
import type { Histogram, histogramQuery } from '@gatehouse/core/api/audit.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { require } from '../platform/commit.ts';
import type { Context } from '../platform/context.ts';
import { filterAsked } from './asked.ts';
import { auditLog, exactTime, noteReading, openLedger } from './events.ts';

/**
 * How many events were recorded in each part of a range of time.
 * @throws AppError `permission-denied`, `invalid-filter`, `invalid` when the range is empty
 */
export async function readHistogram(ctx: Context, query: z.infer<typeof histogramQuery>): Promise<Histogram> {
  const user = await require(ctx, 'audit:read', auditLog);
  const filter = filterAsked(query);
  const [since, until] = [exactTime(query.since), exactTime(query.until)];
  if (since >= until)
    throw new AppError('invalid', 'The range of time is empty', { errors: [{ path: 'until', message: 'must be after since' }] });
  await noteReading(user);
  return openLedger(user).histogram({ since, until, buckets: query.buckets, ...(filter === null ? {} : { filter }) });
}
