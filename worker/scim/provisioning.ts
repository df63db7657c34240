import type { z } from 'zod';
import { provisioningOutcome, type ProvisioningCall, type provisioningList, type provisioningQuery } from '@gatehouse/core/api/scim.ts';
import type { UserContext } from '../platform/context.ts';
import { keysetPage, pageOf } from '../platform/route.ts';
import { readProvider } from '../providers/providers.ts';
import { findCalls, type ProvisioningRow } from './provisioning.store.ts';

const present = ({ outcome, ...row }: ProvisioningRow): ProvisioningCall => ({ ...row, ...provisioningOutcome.parse(JSON.parse(outcome)) });

/** What a directory asked and what that changed, the newest first. @throws AppError `permission-denied`, `not-found` */
export async function listCalls(
  ctx: UserContext,
  providerId: string,
  query: z.infer<typeof provisioningQuery>,
): Promise<z.infer<typeof provisioningList>> {
  await readProvider(ctx, providerId);
  const { limit, after: before } = keysetPage(query);
  const rows = await findCalls(ctx.db, providerId, { limit, before, q: query.q ?? '', outcome: query.outcome });
  return pageOf(rows, limit, present, (row) => [row.id]);
}
