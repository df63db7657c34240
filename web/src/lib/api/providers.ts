import { identityProvider, identityProviderList, type providerCreate } from '@gatehouse/core/api/identity-providers.ts';
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

export async function remove(id: string): Promise<void> {
  await one.$delete(at(id));
}
