import { userList } from '@gatehouse/core/api/directory.ts';
import { request, type Call } from './request.ts';

export const list = (query: { cursor?: string } = {}, call: Pick<Call, 'signal'> = {}) =>
  request('GET', '/users', userList, { ...call, query: { limit: 100, ...query } });
