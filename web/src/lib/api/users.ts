import {
  bulkResult,
  user,
  userDetail,
  userList,
  type BulkResult,
  type User,
  type UserAction,
  type UserDetail,
} from '@gatehouse/core/api/directory.ts';
import { erasure as erasureShape, type Erasure, type ErasureReason } from '@gatehouse/core/api/erasure.ts';
import { sessionList, type builtInRole } from '@gatehouse/core/api/identity.ts';
import { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export interface UserQuery {
  q?: string;
  state?: User['state'];
  role?: z.infer<typeof builtInRole>;
  cursor?: string;
}

const one = api.users[':id'];

export const list = (query: UserQuery = {}, call: Call = {}) =>
  read(api.users.$get({ query: { limit: 100, ...query } }, abortable(call)), userList);
export const get = (id: string, call: Call = {}): Promise<UserDetail> => read(one.$get(at(id), abortable(call)), userDetail);
export const rename = (id: string, name: string) => read(one.$patch({ ...at(id), json: { name } }), user);
export const sessions = (id: string, call: Call = {}) => read(one.sessions.$get({ ...at(id), query: {} }, abortable(call)), sessionList);

/** How far the erasure of a deleted person is; null when nobody ordered it. */
export const erasure = async (id: string, call: Call = {}): Promise<Erasure | null> =>
  (await read(one.erasure.$get(at(id), abortable(call)), z.object({ erasure: erasureShape.nullable() }))).erasure;

export async function erase(id: string, reason: ErasureReason): Promise<void> {
  await one.erasure.$post({ ...at(id), json: { reason } });
}

/** Ends one session, whosever it is. */
export async function endSession(sessionId: string): Promise<void> {
  await api['user-sessions'][':id'].$delete(at(sessionId));
}

/** One thing for many people; each has its own result. */
export const act = (action: UserAction, ids: string[]): Promise<BulkResult> =>
  read(api.users.bulk.$post({ json: { action, ids } }), bulkResult);
