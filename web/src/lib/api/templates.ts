import {
  aclShown,
  templateDetail,
  templateList,
  templateVersion,
  templateVersionList,
  type aclPut,
  type templateCreate,
  type templateUpdate,
  type templateVersionCreate,
} from '@gatehouse/core/api/templates.ts';
import type { z } from 'zod';
import { request, requestVersioned, send, type Call } from './request.ts';

export type TemplateDetail = z.infer<typeof templateDetail>;
export type TemplateVersion = z.infer<typeof templateVersion>;
export type AclShown = z.infer<typeof aclShown>;

type Signal = Pick<Call, 'signal'>;

export const list = (query: { cursor?: string } = {}, call: Signal = {}) =>
  request('GET', '/templates', templateList, { ...call, query: { limit: 100, ...query } });
export const create = (body: z.input<typeof templateCreate>) => request('POST', '/templates', templateDetail, { body });
export const get = (id: string, call: Signal = {}) => requestVersioned('GET', `/templates/${id}`, templateDetail, call);
export const update = (id: string, body: z.input<typeof templateUpdate>, ifMatch: string) =>
  requestVersioned('PATCH', `/templates/${id}`, templateDetail, { body, ifMatch });

export async function remove(id: string): Promise<void> {
  await send('DELETE', `/templates/${id}`);
}

export const versions = (id: string, call: Signal = {}) =>
  request('GET', `/templates/${id}/versions`, templateVersionList, { ...call, query: { limit: 100 } });
export const publish = (id: string, body: z.input<typeof templateVersionCreate>) =>
  request('POST', `/templates/${id}/versions`, templateVersion, { body });

export const acl = (id: string, call: Signal = {}) => requestVersioned('GET', `/templates/${id}/acl`, aclShown, call);
export const putAcl = (id: string, body: z.input<typeof aclPut>, ifMatch: string) =>
  requestVersioned('PUT', `/templates/${id}/acl`, aclShown, { body, ifMatch });
