import { scimTokenCreated } from '@gatehouse/core/api/scim.ts';
import { groupMapping } from '@gatehouse/core/api/group-mappings.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { api, read, services, unique, type Tenant } from '../tenants.ts';
import { makes, own, owner, owns, type RouteCall } from './call.ts';

/** Beside the limit: the suites make more than an organisation may have. */
export const makeProvider = async (tenant: Tenant) => {
  const id = services().newId('identityProvider');
  const sql = "INSERT INTO identity_providers (tenant_id, id, name, preset, created_at) VALUES (?, ?, ?, 'other', ?)";
  await tenant.db.batch([statement(sql, tenant.id, id, `IdP ${unique()}`, new Date().toISOString())]);
  return id;
};
const newMapping = { kind: 'prefix', pattern: 'dev-', target: { type: 'role', id: 'auditor' } };
const ifMatch = { 'If-Match': '"1"' };

export const PROVIDER_CALLS: Record<string, RouteCall> = {
  'POST /identity-providers': {
    leaves: ['idp.create'],
    diff: ['name', 'preset'],
    call: makes('POST /identity-providers', () => ({ name: `IdP ${unique()}`, preset: 'okta' })),
  },
  'PATCH /identity-providers/:id': {
    leaves: ['idp.update'],
    diff: ['name'],
    call: owns('PATCH /identity-providers/:id', makeProvider, { name: 'Other' }, ifMatch),
  },
  'POST /identity-providers/:id/mappings': {
    leaves: ['idp.mapping.add'],
    diff: ['groups by prefix dev-'],
    call: owns('POST /identity-providers/:id/mappings', makeProvider, newMapping),
  },
  'POST /identity-providers/:id/mappings/preview': {
    leaves: 'it only says what a mapping would do',
    call: owns('POST /identity-providers/:id/mappings/preview', makeProvider, newMapping),
  },
  'DELETE /identity-providers/:id/mappings/:mapping': {
    leaves: ['idp.mapping.remove'],
    diff: ['groups by prefix dev-'],
    call: async (tenant, ask) => {
      const id = await makeProvider(tenant);
      const made = read(await api(tenant.owner).post(`/identity-providers/${id}/mappings`, newMapping), groupMapping);
      const by = await owner(tenant);
      return own(by, await ask(by, `DELETE /identity-providers/${id}/mappings/${made.id}`), id);
    },
  },
  'POST /identity-providers/:id/sync': { leaves: ['idp.sync'], call: owns('POST /identity-providers/:id/sync', makeProvider) },
  'DELETE /identity-providers/:id': {
    leaves: ['idp.delete'],
    diff: ['name', 'preset'],
    call: owns('DELETE /identity-providers/:id', makeProvider),
  },
  'POST /identity-providers/:id/scim-tokens': {
    leaves: ['idp.token.create'],
    call: owns('POST /identity-providers/:id/scim-tokens', makeProvider, { expiresInDays: 90 }),
  },
  'DELETE /identity-providers/:id/scim-tokens/:tokenId': {
    leaves: ['idp.token.revoke'],
    call: async (tenant, ask) => {
      const [by, id] = [await owner(tenant), await makeProvider(tenant)];
      const token = read(await api(tenant.owner).post(`/identity-providers/${id}/scim-tokens`, {}), scimTokenCreated);
      return own(by, await ask(by, `DELETE /identity-providers/${id}/scim-tokens/${token.id}`), id);
    },
  },
};
