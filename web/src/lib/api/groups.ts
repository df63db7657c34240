import {
  candidateList,
  groupDetail,
  groupList,
  memberList,
  membersChanged,
  membershipList,
  type groupCreate,
  type AddedMember,
  type groupUpdate,
  type MemberRef,
} from '@gatehouse/core/api/groups.ts';
import type { z } from 'zod';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const one = api.groups[':id'];
const ifMatch = (etag: string) => ({ header: { 'if-match': etag } });

export interface Search {
  q?: string;
  cursor?: string;
}

export const list = (query: Search = {}, call: Call = {}) =>
  read(api.groups.$get({ query: { limit: 50, ...query } }, abortable(call)), groupList);
export const create = (json: z.input<typeof groupCreate>) => read(api.groups.$post({ json }), groupDetail);
export const get = (id: string, call: Call = {}) => readVersioned(one.$get(at(id), abortable(call)), groupDetail);
export const update = (id: string, json: z.input<typeof groupUpdate>, etag: string) =>
  readVersioned(one.$patch({ ...at(id), ...ifMatch(etag), json }), groupDetail);

/** Also when it gives access to something: say so before. */
export async function remove(id: string): Promise<void> {
  await one.$delete({ ...at(id), query: { grants: 'remove' } });
}

export const members = (id: string, query: Search & { show?: 'all' | 'direct' | 'inherited' } = {}, call: Call = {}) =>
  read(one.members.$get({ ...at(id), query: { limit: 50, ...query } }, abortable(call)), memberList);
export const changeMembers = (id: string, json: { add?: AddedMember[]; remove?: MemberRef[] }) =>
  read(one.members.$patch({ ...at(id), json }), membersChanged);
export const candidates = (id: string, query: { q: string; as: 'member' | 'manager' }, call: Call = {}) =>
  read(one.candidates.$get({ ...at(id), query }, abortable(call)), candidateList);
export const setManagers = (id: string, items: string[], etag: string) =>
  readVersioned(one.managers.$put({ ...at(id), ...ifMatch(etag), json: { items } }), groupDetail);

export const memberships = (subject: string, call: Call = {}) =>
  read(api['group-memberships'].$get({ query: { subject } }, abortable(call)), membershipList);
