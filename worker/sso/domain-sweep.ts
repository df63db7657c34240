import { z } from 'zod';
import { PROOF_DAYS } from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { addressesWith } from '../audit/holders.ts';
import { commit, eventOf, GuardFailed, type EventFacts } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { inLanes } from '../platform/lanes.ts';
import { objectContext } from '../platform/object-context.ts';
import { domainResource, endOfProof, recordOf } from './domains.ts';
import { claimInDirectory, lookedAgain, releaseInDirectory, type Looked } from './domains.store.ts';

/** Of one shard in one minute; the rest follows. */
const AT_ONCE = 50;
const LANES = 5;
const HOUR = 3_600_000;
const EACH = 24 * HOUR;

const DUE = `SELECT tenant_id, domain, challenge, checked_at, missing_since FROM mail_domains
  WHERE verified_at IS NOT NULL AND (checked_at IS NULL OR checked_at < ?1) ORDER BY checked_at LIMIT ?2`;
const due = z.object({
  tenant_id: z.string(),
  domain: z.string(),
  challenge: z.string(),
  checked_at: z.string().nullable(),
  missing_since: z.string().nullable(),
});
type Due = z.infer<typeof due>;

/**
 * Looks once a day whether the record that proved a mail domain is still there: domains are sold, and whoever has one now would be
 * somebody here. It is told first, and ends the proof after days only; that nobody could say counts for nothing.
 */
export async function sweepDomains(services: Services): Promise<void> {
  const before = new Date(services.now().getTime() - EACH).toISOString();
  for (const [shard, d1] of services.shards) {
    const { results } = await d1.prepare(DUE).bind(before, AT_ONCE).all();
    const rows = results.map((each) => due.parse(each));
    for (const { item, error } of await inLanes(LANES, rows, (row) => lookAgain(services, shard, row)))
      services.log('error', 'a mail domain was not looked at again', { shard, domain: item.domain, error: String(error) });
  }
}

async function lookAgain(services: Services, shard: string, row: Due): Promise<void> {
  const now = services.now();
  const stands = { checkedAt: now.toISOString(), missingSince: null, proved: true };
  const wanted = recordOf(row);
  const said = await services.resolveTxt(wanted.name).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'unavailable') return null;
    throw error;
  });
  // Nobody can say: it is tried again in an hour.
  if (said === null)
    return write(services, shard, row, {
      ...stands,
      ...{ checkedAt: new Date(now.getTime() - EACH + HOUR).toISOString(), missingSince: row.missing_since },
    });
  if (said.includes(wanted.value)) return isThere(services, shard, row, stands);
  const since = row.missing_since ?? stands.checkedAt;
  if (endOfProof(since) <= stands.checkedAt) return lapse(services, shard, row, `The TXT record has been missing for ${PROOF_DAYS} days`);
  if (row.missing_since !== null) return write(services, shard, row, { ...stands, missingSince: since });
  const reason = `The TXT record is not there any more: the proof ends in ${PROOF_DAYS} days`;
  await write(services, shard, row, { ...stands, missingSince: since }, { action: 'idp.domain.verify', outcome: 'failure', reason });
  await tell(services, shard, row, `the record of ${row.domain} is missing`, [
    `The TXT record that proves ${row.domain} is not in its DNS any more. Put it back before ${endOfProof(since).slice(0, 10)}: from then on the domain counts as unproved, nobody is led to their provider by it, and no new person is taken for somebody by an address of it.`,
    `${wanted.name} TXT "${wanted.value}"`,
  ]);
}

async function isThere(services: Services, shard: string, row: Due, stands: Looked): Promise<void> {
  // Nothing is to be done where it is ours already; else it was let go of, and what was to follow did not.
  if (!(await claimInDirectory(services.directory, row.domain, row.tenant_id, stands.checkedAt)))
    return lapse(services, shard, row, 'Another organisation has proved the domain');
  const facts =
    row.missing_since === null ? undefined : ({ action: 'idp.domain.verify', reason: 'The TXT record is there again' } as const);
  await write(services, shard, row, stands, facts);
}

/** The proof ends. The directory lets go first: if this breaks off, the next look repeats it. */
async function lapse(services: Services, shard: string, row: Due, reason: string): Promise<void> {
  await releaseInDirectory(services.directory, row.domain, row.tenant_id);
  const looked = { checkedAt: services.now().toISOString(), missingSince: null, proved: false };
  await write(services, shard, row, looked, { action: 'idp.domain.lapse', reason });
  await tell(services, shard, row, `${row.domain} is not proved any more`, [
    `${reason}. ${row.domain} counts as unproved: nobody is led to their provider by it, and no new person is taken for somebody by an address of it. Whoever has an account goes on signing in.`,
  ]);
}

/** Somebody who looked by hand in between wins. */
async function write(
  services: Services,
  shard: string,
  row: Due,
  looked: Looked,
  facts?: Pick<EventFacts, 'action' | 'outcome' | 'reason'>,
): Promise<void> {
  const ctx = objectContext(services, { tenantId: row.tenant_id, shard }, { type: 'system', name: 'Gatehouse' });
  const guard = lookedAgain(ctx.db, row.domain, row.checked_at, looked);
  if (facts === undefined) return void (await ctx.db.batch([guard]));
  await commit(ctx, { guard, events: [eventOf(ctx, { ...facts, resource: domainResource(row.domain) })] }).catch((error: unknown) => {
    if (!(error instanceof GuardFailed)) throw error;
  });
}

async function tell(services: Services, shard: string, row: Due, subject: string, lines: string[]): Promise<void> {
  const text = [...lines, `${services.settings.ORIGIN}/identity-providers/domains`].join('\n\n');
  for (const to of await addressesWith(services.tenantDb(shard, row.tenant_id), 'idp:manage', services.now()))
    await services.mail
      .send({ to, subject: `Gatehouse: ${subject}`, text })
      .catch((error: unknown) => services.log('error', 'could not mail of a mail domain', { error: String(error) }));
}
