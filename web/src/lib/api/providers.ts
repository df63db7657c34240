import {
  directoryGroupList,
  drift as driftSchema,
  groupMapping,
  groupMappingList,
  mappingPreview,
  synced,
  type mappingCreate,
} from '@gatehouse/core/api/group-mappings.ts';
import {
  identityProvider,
  identityProviderList,
  providerRemovalPreview,
  type providerCreate,
} from '@gatehouse/core/api/identity-providers.ts';
import type { z } from 'zod';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const providers = api['identity-providers'];
const one = providers[':id'];
const ifMatch = (etag: string) => ({ header: { 'if-match': etag } });

export const list = (call: Call = {}) => read(providers.$get({}, abortable(call)), identityProviderList);
export const create = (json: z.input<typeof providerCreate>) => read(providers.$post({ json }), identityProvider);
export const get = (id: string, call: Call = {}) => readVersioned(one.$get(at(id), abortable(call)), identityProvider);
export const rename = (id: string, name: string, etag: string) =>
  readVersioned(one.$patch({ ...at(id), ...ifMatch(etag), json: { name } }), identityProvider);

export const removal = (id: string, call: Call = {}) => read(one.removal.$get(at(id), abortable(call)), providerRemovalPreview);
export async function remove(id: string, gives: 'end' | 'keep'): Promise<void> {
  await one.$delete({ ...at(id), query: { gives } });
}

const mapped = one.mappings;
export const directoryGroups = (id: string, call: Call = {}) => read(one.groups.$get(at(id), abortable(call)), directoryGroupList);
export const mappings = (id: string, call: Call = {}) => read(mapped.$get(at(id), abortable(call)), groupMappingList);
export const previewMapping = (id: string, json: z.input<typeof mappingCreate>, call: Call = {}) =>
  read(mapped.preview.$post({ ...at(id), json }, abortable(call)), mappingPreview);
export const createMapping = (id: string, json: z.input<typeof mappingCreate>) => read(mapped.$post({ ...at(id), json }), groupMapping);
export const drift = (id: string, call: Call = {}) => read(one.drift.$get(at(id), abortable(call)), driftSchema);
export const sync = (id: string) => read(one.sync.$post(at(id)), synced);

export async function handOver(id: string, mapping: string, group: string): Promise<void> {
  await mapped[':mapping'].groups.$post({ param: { ...at(id).param, mapping: encodeURIComponent(mapping) }, json: { group } });
}

export async function removeMapping(id: string, mapping: string): Promise<void> {
  await mapped[':mapping'].$delete({ param: { ...at(id).param, mapping: encodeURIComponent(mapping) } });
}
