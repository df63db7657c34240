import {
  assignment,
  assignmentList,
  role,
  roleList,
  type assignmentCreate,
  type roleCreate,
  type roleUpdate,
} from '@gatehouse/core/api/roles.ts';
import type { z } from 'zod';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';
import type { Search } from './groups.ts';

const one = api.roles[':id'];
const given = api['role-assignments'];

export const list = (query: { q?: string } = {}, call: Call = {}) => read(api.roles.$get({ query }, abortable(call)), roleList);
export const create = (json: z.input<typeof roleCreate>) => read(api.roles.$post({ json }), role);
export const get = (id: string, call: Call = {}) => readVersioned(one.$get(at(id), abortable(call)), role);
export const update = (id: string, json: z.input<typeof roleUpdate>, etag: string) =>
  readVersioned(one.$patch({ ...at(id), header: { 'if-match': etag }, json }), role);

export async function remove(id: string): Promise<void> {
  await one.$delete(at(id));
}

/** Who has a role. */
export const holders = (roleId: string, query: Search = {}, call: Call = {}) =>
  read(given.$get({ query: { limit: 50, role: roleId, ...query } }, abortable(call)), assignmentList);
/** What a person, a group or a service account has, its own and through groups. */
export const of = (subject: string, call: Call = {}) => read(given.$get({ query: { subject } }, abortable(call)), assignmentList);
export const assign = (json: z.input<typeof assignmentCreate>) => read(given.$post({ json }), assignment);
export const changeEnd = (id: string, expiresAt: string | null) =>
  read(given[':id'].$patch({ ...at(id), json: { expiresAt } }), assignment);

export async function unassign(id: string): Promise<void> {
  await given[':id'].$delete(at(id));
}
