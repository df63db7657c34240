import type { z } from 'zod';
import {
  provisioningList,
  scimTokenCreated,
  scimTokenList,
  type ProvisioningOutcome,
  type scimTokenCreate,
} from '@gatehouse/core/api/scim.ts';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const one = api['identity-providers'][':id'];
const held = one['scim-tokens'];

export const tokens = (id: string, call: Call = {}) => read(held.$get(at(id), abortable(call)), scimTokenList);
export const createToken = (id: string, json: z.input<typeof scimTokenCreate>) => read(held.$post({ ...at(id), json }), scimTokenCreated);

export async function revokeToken(id: string, tokenId: string): Promise<void> {
  await held[':tokenId'].$delete({ param: { ...at(id).param, tokenId: encodeURIComponent(tokenId) } });
}

interface Asked {
  q?: string;
  cursor?: string;
  outcome: ProvisioningOutcome;
}
export const calls = (id: string, query: Asked, call: Call = {}) =>
  read(one.provisioning.$get({ ...at(id), query }, abortable(call)), provisioningList);
