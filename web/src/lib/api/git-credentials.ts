import { gitCredential, gitCredentialList, type gitCredentialAdd } from '@gatehouse/core/api/git-credentials.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type { GitCredential } from '@gatehouse/core/api/git-credentials.ts';
const own = api.me['git-credentials'];

export const list = (call: Call = {}) => read(own.$get({}, abortable(call)), gitCredentialList);
export const add = (json: z.input<typeof gitCredentialAdd>) => read(own.$post({ json }), gitCredential);

export async function remove(id: string): Promise<void> {
  await own[':id'].$delete(at(id));
}
