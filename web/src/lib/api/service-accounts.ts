import {
  serviceAccount,
  serviceAccountList,
  type serviceAccountCreate,
  type serviceAccountUpdate,
} from '@gatehouse/core/api/service-accounts.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

const accounts = api['service-accounts'];
const one = accounts[':id'];

export const list = (query: { q?: string; state?: 'active' | 'suspended'; cursor?: string } = {}, call: Call = {}) =>
  read(accounts.$get({ query }, abortable(call)), serviceAccountList);
export const create = (json: z.input<typeof serviceAccountCreate>) => read(accounts.$post({ json }), serviceAccount);
export const get = (id: string, call: Call = {}) => read(one.$get(at(id), abortable(call)), serviceAccount);
export const update = (id: string, json: z.input<typeof serviceAccountUpdate>) => read(one.$patch({ ...at(id), json }), serviceAccount);

export async function suspend(id: string): Promise<void> {
  await one.suspend.$post(at(id));
}

export async function activate(id: string): Promise<void> {
  await one.activate.$post(at(id));
}

export async function remove(id: string): Promise<void> {
  await one.$delete(at(id));
}
