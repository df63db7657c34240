import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { FieldRules } from '@gatehouse/core/audit/diff.ts';
import { FilterFaulty, parseFilter } from '@gatehouse/core/audit/filter.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Settings } from '../platform/env.ts';
import { addressesOf, refusalOf } from './destination-url.ts';
import type { StoredDestination } from './destinations.store.ts';
import { webhookSecretFault } from './webhook.ts';

const invalid = (path: string, message: string) => new AppError('invalid', `${path} ${message}`, { errors: [{ path, message }] });

/** @throws AppError `invalid` naming the address that may not be called */
export function checkConfig(settings: Settings, config: DestinationConfig): void {
  for (const { path, url } of addressesOf(config)) {
    const refusal = refusalOf(url, settings);
    if (refusal !== null) throw invalid(path, refusal);
  }
}

/** @throws AppError `invalid` */
export function checkSecret(config: DestinationConfig, secret: string | null): string {
  if (secret === null) throw invalid('secret', 'is needed');
  const fault = config.type === 'webhook' ? webhookSecretFault(config.signing, secret) : tokenFault(secret);
  if (fault !== null) throw invalid('secret', fault);
  return secret;
}

const tokenFault = (token: string): string | null => (/^[\x21-\x7e]+$/.test(token) ? null : 'must be a token without spaces');

/** @throws AppError `invalid` that says where the filter is faulty */
export function checkFilter(filter: string): void {
  if (filter === '') return;
  try {
    parseFilter(filter);
  } catch (error) {
    if (!(error instanceof FilterFaulty)) throw error;
    throw invalid('filter', `is faulty at position ${error.position}: ${error.message}`);
  }
}

/** Whether the secret would reach another server than the one it was given for, or is of another kind. */
export function leadsElsewhere(before: DestinationConfig, after: DestinationConfig): boolean {
  const places = (config: DestinationConfig) => addressesOf(config).map(({ url }) => new URL(url).origin);
  if (before.type !== after.type || places(before).join() !== places(after).join()) return true;
  return before.type === 'webhook' && after.type === 'webhook' && before.signing !== after.signing;
}

/** What only some kinds have; null in the others. */
interface KindFields {
  index: string | null;
  source: string | null;
  signing: string | null;
  bucket: string | null;
  region: string | null;
  prefix: string | null;
  accessKeyId: string | null;
  ruleId: string | null;
  stream: string | null;
  directoryId: string | null;
  clientId: string | null;
  authority: string | null;
  service: string | null;
  tags: string | null;
}

interface TrackedFields extends KindFields {
  name: string;
  type: string;
  /** without its query, which may hold a token */
  url: string;
  query: string;
  filter: string;
  format: string;
  secret: string;
}

/** How each field stands in the trail. */
export const RULES: FieldRules<TrackedFields> = {
  name: 'tracked',
  type: 'tracked',
  url: 'tracked',
  query: 'secret',
  filter: 'tracked',
  format: 'tracked',
  index: 'tracked',
  source: 'tracked',
  signing: 'tracked',
  bucket: 'tracked',
  region: 'tracked',
  prefix: 'tracked',
  accessKeyId: 'tracked',
  ruleId: 'tracked',
  stream: 'tracked',
  directoryId: 'tracked',
  clientId: 'tracked',
  authority: 'tracked',
  service: 'tracked',
  tags: 'tracked',
  secret: 'secret',
};

const NONE: KindFields = {
  ...{ index: null, source: null, signing: null, bucket: null, region: null, prefix: null, accessKeyId: null, ruleId: null },
  ...{ stream: null, directoryId: null, clientId: null, authority: null, service: null, tags: null },
};

/** A destination as its events tell of it. */
export function tracked({ name, config, filter, format, secret }: StoredDestination): TrackedFields {
  const { origin, pathname, search } = new URL(config.url);
  return { ...NONE, ...config, name, url: origin + pathname, query: search, filter, format, secret };
}
