import type { z } from 'zod';
import type { Realm, realmAsk } from '@gatehouse/core/api/sso.ts';
import { domainOf } from '@gatehouse/core/sso/admission.ts';
import { findPlace } from '../directory/places.ts';
import { ssoRequired } from '../directory/people.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { countNetwork } from './begin.ts';
import { findSwitchedOn } from './connections.store.ts';
import { findDomain, slugOfDomain } from './domains.store.ts';

const NOTHING: Realm = { tenant: null, first: null, required: false, providers: [] };

/**
 * By which ways an organisation signs in. It says nothing of people: an address counts by its domain alone, and an organisation that
 * nobody has is one without single sign-on.
 * @throws AppError `rate-limited`
 */
export async function realmOf(services: Services, request: RequestFacts, { tenant, email }: z.infer<typeof realmAsk>): Promise<Realm> {
  await countNetwork(services, request);
  const domain = email === undefined ? null : domainOf(email);
  const led = domain === null ? null : await slugOfDomain(services.directory, domain);
  // Whoever has named an organisation means that one.
  const slug = tenant ?? led;
  const place = slug === null ? null : await findPlace(services, slug);
  if (!place) return NOTHING;
  const db = services.tenantDb(place.shard, place.id);
  const [providers, proved, required] = await Promise.all([
    findSwitchedOn(db),
    domain === null ? null : findDomain(db, domain),
    ssoRequired(db),
  ]);
  const first = proved?.verified_at ? proved.provider_id : null;
  return {
    tenant: tenant === undefined ? led : null,
    first: providers.find(({ id }) => id === first)?.id ?? (required && providers.length === 1 ? (providers[0]?.id ?? null) : null),
    required: required && providers.length > 0,
    providers: providers.map(({ id, name, preset }) => ({ id, name, preset })),
  };
}
