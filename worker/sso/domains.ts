import type { z } from 'zod';
import {
  DOMAINS_LIMIT,
  PROOF_DAYS,
  type Domain,
  type domainAdd,
  type domainChecked,
  type domainList,
  type domainUpdate,
} from '@gatehouse/core/api/sso.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, record, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { base64url } from '../platform/encoding.ts';
import { findProviderName } from './connections.store.ts';
import * as store from './domains.store.ts';

export const domainResource = (domain: string) => ({ type: 'idp' as const, id: null, name: domain });
const noDomain = () => new AppError('not-found', 'There is no such mail domain');
const PREFIX = 'gatehouse-verification=';
const DAY = 86_400_000;

/** By which TXT record a domain is proved. */
export const recordOf = ({ domain, challenge }: Pick<store.DomainRow, 'domain' | 'challenge'>) => ({
  name: `_gatehouse.${domain}`,
  value: `${PREFIX}${challenge}`,
});
/** When the proof ends of a domain whose record is missing since then. */
export const endOfProof = (missingSince: string): string => new Date(Date.parse(missingSince) + PROOF_DAYS * DAY).toISOString();

const present = (row: store.DomainRow): Domain => ({
  ...{ domain: row.domain, verifiedAt: row.verified_at, checkedAt: row.checked_at, createdAt: row.created_at },
  missing: row.missing_since === null ? null : { since: row.missing_since, endsAt: endOfProof(row.missing_since) },
  record: recordOf(row),
  provider: row.provider_id === null || row.provider_name === null ? null : { id: row.provider_id, name: row.provider_name },
});

export async function listDomains(ctx: UserContext): Promise<z.infer<typeof domainList>> {
  const name = 'GET /identity-providers/domains';
  await require(ctx, 'idp:read', { action: 'request.denied', resource: { type: 'policy', id: null, name } });
  return { items: (await store.findDomains(ctx.db)).map(present) };
}

/** Says that a domain is the organisation's own; it counts once that is proved. @throws AppError `conflict`, `quota-exceeded`, `invalid` */
export async function addDomain(ctx: UserContext, { domain, provider }: z.infer<typeof domainAdd>): Promise<Domain> {
  const facts = { action: 'idp.domain.add', resource: domainResource(domain) } as const;
  await require(ctx, 'idp:manage', facts);
  await requireProvider(ctx, provider);
  const added = { domain, challenge: base64url(ctx.random(24)), providerId: provider, now: ctx.now().toISOString() };
  const event = eventOf(ctx, { ...facts, status: 201, details: { provider: provider ?? '' } });
  const full = () => new AppError('quota-exceeded', `An organisation has at most ${DOMAINS_LIMIT} mail domains`);
  const written = onGuard(commit(ctx, { guard: store.insertDomain(ctx.db, added), events: [event] }), full);
  await onUnique(written, 'mail_domains', () => new AppError('conflict', `The domain ${domain} is here already`));
  return found(ctx, domain);
}

/** Whose sign-in people of that domain are offered. @throws AppError `not-found`, `invalid` */
export async function changeDomain(ctx: UserContext, domain: string, { provider }: z.infer<typeof domainUpdate>): Promise<Domain> {
  const before = await domainToChange(ctx, domain, 'idp.domain.update');
  await requireProvider(ctx, provider);
  const diff = [{ path: 'provider', old: before.provider_id, new: provider, secret: false }];
  const event = eventOf(ctx, { action: 'idp.domain.update', resource: domainResource(domain), status: 200, diff });
  await onGuard(commit(ctx, { guard: store.assignDomain(ctx.db, domain, provider), events: [event] }), noDomain);
  return found(ctx, domain);
}

/**
 * Looks whether the domain's TXT record says what only its owner could have made it say. A domain leads to one organisation alone.
 * @throws AppError `not-found`, `conflict`, `unavailable`
 */
export async function verifyDomain(ctx: UserContext, domain: string): Promise<z.infer<typeof domainChecked>> {
  const row = await domainToChange(ctx, domain, 'idp.domain.verify');
  const facts = { action: 'idp.domain.verify', resource: domainResource(domain) } as const;
  const wanted = recordOf(row);
  const said = await ctx.resolveTxt(wanted.name);
  const now = ctx.now().toISOString();
  const proved = said.includes(wanted.value);
  if (proved && !(await store.claimInDirectory(ctx.directory, domain, ctx.db.tenantId, now))) {
    const reason = `Another organisation has proved ${domain} before: it must give it up first`;
    await record(ctx, { ...facts, outcome: 'denied', status: 409, reason });
    throw new AppError('conflict', reason);
  }
  const event = proved
    ? eventOf(ctx, { ...facts, status: 200 })
    : eventOf(ctx, { ...facts, outcome: 'failure', status: 200, reason: 'The TXT record is not there' });
  await onGuard(commit(ctx, { guard: store.markChecked(ctx.db, domain, now, proved), events: [event] }), noDomain);
  return { domain: await found(ctx, domain), found: said.slice(0, 20).map((text) => text.slice(0, 200)) };
}

/** Gives the domain up: nobody is led here by it, and no address of it is trusted. @throws AppError `not-found` */
export async function removeDomain(ctx: UserContext, domain: string): Promise<void> {
  await domainToChange(ctx, domain, 'idp.domain.remove');
  const event = eventOf(ctx, { action: 'idp.domain.remove', resource: domainResource(domain), status: 204 });
  await onGuard(commit(ctx, { guard: store.deleteDomain(ctx.db, domain), events: [event] }), noDomain);
  await store.releaseInDirectory(ctx.directory, domain, ctx.db.tenantId);
}

async function domainToChange(ctx: UserContext, domain: string, action: 'idp.domain.update' | 'idp.domain.verify' | 'idp.domain.remove') {
  await require(ctx, 'idp:manage', { action, resource: domainResource(domain) });
  const row = await store.findDomain(ctx.db, domain);
  if (!row) throw noDomain();
  return row;
}

async function requireProvider(ctx: UserContext, id: string | null): Promise<void> {
  if (id === null || (await findProviderName(ctx.db, id)) !== null) return;
  const errors = [{ path: 'provider', message: 'is no provider of the organisation' }];
  throw new AppError('invalid', 'Some of the input is wrong', { errors });
}

async function found(ctx: UserContext, domain: string): Promise<Domain> {
  const row = await store.findDomain(ctx.db, domain);
  if (!row) throw noDomain();
  return present(row);
}
