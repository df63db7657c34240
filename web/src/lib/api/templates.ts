import {
  aclShown,
  type aclEntry,
  templateDetail,
  templateList,
  templateVersion,
  templateVersionList,
  type aclPut,
  type templateCreate,
  type templateQuery,
  type templateUpdate,
  type templateVersionCreate,
} from '@gatehouse/core/api/templates.ts';
import type { z } from 'zod';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type TemplateDetail = z.infer<typeof templateDetail>;
export type TemplateVersion = z.infer<typeof templateVersion>;
export type AclShown = z.infer<typeof aclShown>;
export type AclItem = z.infer<typeof aclEntry>;

const one = api.templates[':id'];

/** The ETag that was seen: the change is refused when somebody else was faster. */
const ifMatch = (etag: string) => ({ header: { 'if-match': etag } });

/** @param query.may only those that the caller may use, ask for or administer */
export const list = (query: z.input<typeof templateQuery> = {}, call: Call = {}) =>
  read(api.templates.$get({ query: { limit: 100, ...query } }, abortable(call)), templateList);
export const create = (json: z.input<typeof templateCreate>) => read(api.templates.$post({ json }), templateDetail);
export const get = (id: string, call: Call = {}) => readVersioned(one.$get(at(id), abortable(call)), templateDetail);
export const update = (id: string, json: z.input<typeof templateUpdate>, etag: string) =>
  readVersioned(one.$patch({ ...at(id), ...ifMatch(etag), json }), templateDetail);

export async function remove(id: string): Promise<void> {
  await one.$delete(at(id));
}

export const versions = (id: string, call: Call = {}) => read(one.versions.$get(at(id), abortable(call)), templateVersionList);
export const publish = (id: string, json: z.input<typeof templateVersionCreate>) =>
  read(one.versions.$post({ ...at(id), json }), templateVersion);

export const acl = (id: string, call: Call = {}) => readVersioned(one.acl.$get(at(id), abortable(call)), aclShown);
export const putAcl = (id: string, json: z.input<typeof aclPut>, etag: string) =>
  readVersioned(one.acl.$put({ ...at(id), ...ifMatch(etag), json }), aclShown);
