import {
  aclShown,
  type aclEntry,
  templateDetail,
  templateList,
  templateVersion,
  templateVersionList,
  versionDiff,
  type aclPut,
  type templateCreate,
  type templateImport,
  type templateQuery,
  type templateUpdate,
  type templateVersionChange,
  type templateVersionCreate,
} from '@gatehouse/core/api/templates.ts';
import { dryRun as dryRunAnswer, type dryRunAsk } from '@gatehouse/core/api/template-dry-run.ts';
import { templateSecretList } from '@gatehouse/core/api/template-secrets.ts';
import { workspaceList } from '@gatehouse/core/api/workspaces.ts';
import type { z } from 'zod';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, fetchAnswer, type Call } from './client.ts';

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
/** Publishes it at once, or begins a draft. */
export const createVersion = (id: string, json: z.input<typeof templateVersionCreate>) =>
  read(one.versions.$post({ ...at(id), json }), templateVersion);
/** @param from,to numbers of versions */
export const compare = (id: string, from: number, to: number, call: Call = {}) =>
  read(one.diff.$get({ ...at(id), query: { from, to } }, abortable(call)), versionDiff);

const version = api['template-versions'][':id'];

/** @param etag of the template */
export const changeVersion = (versionId: string, json: z.input<typeof templateVersionChange>, etag: string) =>
  read(version.$patch({ ...at(versionId), ...ifMatch(etag), json }), templateVersion);
export const publish = (versionId: string) => read(version.publish.$post(at(versionId)), templateVersion);
export const deprecate = (versionId: string) => read(version.deprecate.$post(at(versionId)), templateVersion);
export const restore = (versionId: string) => read(version.restore.$post(at(versionId)), templateVersion);
export const require = (versionId: string, from: string | null) =>
  read(version.require.$post({ ...at(versionId), json: { from } }), templateVersion);

export async function discard(versionId: string): Promise<void> {
  await version.$delete(at(versionId));
}

export const secrets = (id: string, call: Call = {}) => read(one.secrets.$get(at(id), abortable(call)), templateSecretList);
/** @param name,secret null takes it away; nobody reads it back */
export const setSecret = (id: string, name: string, secret: string | null) =>
  read(one.secrets.$patch({ ...at(id), json: { items: [{ name, secret }] } }), templateSecretList);

/** What would happen if a workspace were made now. */
export const dryRun = (id: string, json: z.input<typeof dryRunAsk>, call: Call = {}) =>
  read(one['dry-run'].$post({ ...at(id), json }, abortable(call)), dryRunAnswer);

/** The newest published version as a file. */
export async function exportFile(id: string): Promise<string> {
  return (await fetchAnswer(`/api/v1/templates/${encodeURIComponent(id)}/export`)).text();
}
export const importFile = (json: z.input<typeof templateImport>) => read(api.templates.import.$post({ json }), templateDetail);

/** Workspaces that are made from it, for its administrators. */
export const workspaces = (id: string, query: { cursor?: string } = {}, call: Call = {}) =>
  read(one.workspaces.$get({ ...at(id), query: { limit: 100, ...query } }, abortable(call)), workspaceList);

export const acl = (id: string, call: Call = {}) => readVersioned(one.acl.$get(at(id), abortable(call)), aclShown);
export const putAcl = (id: string, json: z.input<typeof aclPut>, etag: string) =>
  readVersioned(one.acl.$put({ ...at(id), ...ifMatch(etag), json }), aclShown);
