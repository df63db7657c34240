import { policyShown, type PolicyShown, type policyPut } from '@gatehouse/core/api/policy.ts';
import type { z } from 'zod';
import { readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type { PolicyShown };
type Values = z.input<typeof policyPut>['values'];

const ofTenant = api.tenant.policy;
const ofTemplate = api.templates[':id'].policy;
const ifMatch = (etag: string) => ({ header: { 'if-match': etag } });

export const tenant = (call: Call = {}) => readVersioned(ofTenant.$get({}, abortable(call)), policyShown);
export const putTenant = (values: Values, etag: string) =>
  readVersioned(ofTenant.$put({ ...ifMatch(etag), json: { values } }), policyShown);
export const template = (id: string, call: Call = {}) => readVersioned(ofTemplate.$get(at(id), abortable(call)), policyShown);
export const putTemplate = (id: string, values: Values, etag: string) =>
  readVersioned(ofTemplate.$put({ ...at(id), ...ifMatch(etag), json: { values } }), policyShown);
