import { userList } from '@gatehouse/core/api/directory.ts';
import { read } from './answer.ts';
import { abortable, api, type Call } from './client.ts';

export const list = (query: { cursor?: string } = {}, call: Call = {}) =>
  read(api.users.$get({ query: { limit: 100, ...query } }, abortable(call)), userList);
