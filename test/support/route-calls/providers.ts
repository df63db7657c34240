import { scimTokenCreated } from '@gatehouse/core/api/scim.ts';
import { groupMapping } from '@gatehouse/core/api/group-mappings.ts';
import { makeGroup } from '../groups.ts';
import { insertDirectoryGroup, makeProvider } from '../providers.ts';
import { api, read, unique } from '../tenants.ts';
import { makes, own, owner, owns, type RouteCall } from './call.ts';

export const newMapping = { kind: 'prefix', pattern: 'dev-', target: { type: 'role', id: 'auditor' } };
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
  'POST /identity-providers/:id/mappings/:mapping/groups': {
    leaves: ['group.update'],
    diff: ['kept by'],
    call: async (tenant, ask) => {
      const id = await makeProvider(tenant);
      const [group, pattern] = [await makeGroup(tenant), `gh-${unique()}`];
      await insertDirectoryGroup(tenant, id, pattern);
      const mapping = { kind: 'name', pattern, target: { type: 'made-group', name: group.name } };
      const made = read(await api(tenant.owner).post(`/identity-providers/${id}/mappings`, mapping), groupMapping);
      const by = await owner(tenant);
      return own(by, await ask(by, `POST /identity-providers/${id}/mappings/${made.id}/groups`, { group: group.id }), group.id);
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
