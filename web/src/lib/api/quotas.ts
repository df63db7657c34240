import { ownQuota, quotaList, quotaPreview, quotaShown, userQuota, type QuotaPut } from '@gatehouse/core/api/quotas.ts';
import { read, readVersioned, type Versioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';
import type { QuotaShown, UserQuota } from '@gatehouse/core/api/quotas.ts';

/** Whose quota: everybody's, a group's or a person's. */
export type QuotaLevel = { type: 'tenant' } | { type: 'group' | 'user'; id: string };

const ifMatch = (etag: string) => ({ header: { 'if-match': etag } });

export const own = (call: Call = {}) => read(api.me.quota.$get({}, abortable(call)), ownQuota);
export const list = (call: Call = {}) => read(api.quotas.$get({}, abortable(call)), quotaList);
export const preview = (subject: QuotaLevel, values: QuotaPut) =>
  read(api.quotas.preview.$post({ json: { subject, values } }), quotaPreview);

export function get(level: QuotaLevel, call: Call = {}): Promise<Versioned<QuotaShown | UserQuota>> {
  switch (level.type) {
    case 'tenant':
      return readVersioned(api.tenant.quota.$get({}, abortable(call)), quotaShown);
    case 'group':
      return readVersioned(api.groups[':id'].quota.$get(at(level.id), abortable(call)), quotaShown);
    case 'user':
      return readVersioned(api.users[':id'].quota.$get(at(level.id), abortable(call)), userQuota);
  }
}

/** @throws ApiProblem `stale-version` when somebody was faster */
export function put(level: QuotaLevel, json: QuotaPut, etag: string): Promise<Versioned<QuotaShown>> {
  switch (level.type) {
    case 'tenant':
      return readVersioned(api.tenant.quota.$put({ ...ifMatch(etag), json }), quotaShown);
    case 'group':
      return readVersioned(api.groups[':id'].quota.$put({ ...at(level.id), ...ifMatch(etag), json }), quotaShown);
    case 'user':
      return readVersioned(api.users[':id'].quota.$put({ ...at(level.id), ...ifMatch(etag), json }), quotaShown);
  }
}
