import { identityProvider } from '@gatehouse/core/api/identity-providers.ts';
import { scimTokenCreated } from '@gatehouse/core/api/scim.ts';
import { api, read, unique, type Tenant } from '../tenants.ts';
import { makes, own, owner, owns, type RouteCall } from './call.ts';

export const makeProvider = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/identity-providers', { name: `IdP ${unique()}`, preset: 'other' }), identityProvider).id;
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
