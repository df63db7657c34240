import { identityProvider } from '@gatehouse/core/api/identity-providers.ts';
import { api, read, unique, type Tenant } from '../tenants.ts';
import { makes, owns, type RouteCall } from './call.ts';

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
};
