import { bulkResult } from '@gatehouse/core/api/directory.ts';
import { tokenCreated, tokenList, type Token, type tokenCreate } from '@gatehouse/core/api/tokens.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type NewToken = z.input<typeof tokenCreate>;
export interface TokenQuery {
  q?: string;
  state?: Token['state'];
  ownerId?: string;
  cursor?: string;
}
type Cursor = Pick<TokenQuery, 'cursor'>;

export const list = (query: TokenQuery = {}, call: Call = {}) => read(api.tokens.$get({ query }, abortable(call)), tokenList);
export const listOwn = (query: Cursor = {}, call: Call = {}) => read(api.me.tokens.$get({ query }, abortable(call)), tokenList);
export const createOwn = (json: NewToken) => read(api.me.tokens.$post({ json }), tokenCreated);
export const createFor = (accountId: string, json: NewToken) =>
  read(api['service-accounts'][':id'].tokens.$post({ ...at(accountId), json }), tokenCreated);
export const revokeAll = (ids: string[]) => read(api.tokens.revoke.$post({ json: { ids } }), bulkResult);

export async function revoke(id: string): Promise<void> {
  await api.tokens[':id'].$delete(at(id));
}
