import {
  destination,
  destinationCreated,
  destinationList,
  destinationTested,
  health,
  setAsideDismissed,
  setAsideList,
  setAsideRetried,
  siemSummary,
  type destinationCreate,
  type destinationUpdate,
  type replayStart,
} from '@gatehouse/core/api/audit.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';

export type DestinationCreated = z.infer<typeof destinationCreated>;
export type DestinationTested = z.infer<typeof destinationTested>;

const destinations = api['siem-destinations'];
const one = destinations[':id'];

export const list = (call: Call = {}) => read(destinations.$get({}, abortable(call)), destinationList);
export const create = (json: z.input<typeof destinationCreate>) => read(destinations.$post({ json }), destinationCreated);
export const get = (id: string, call: Call = {}) => read(one.$get(at(id), abortable(call)), destination);
export const update = (id: string, json: z.input<typeof destinationUpdate>) => read(one.$patch({ ...at(id), json }), destination);
export const test = (id: string) => read(one.test.$post(at(id)), destinationTested);
export const pause = (id: string) => read(one.pause.$post(at(id)), destination);
export const resume = (id: string) => read(one.resume.$post(at(id)), destination);

export async function remove(id: string): Promise<void> {
  await one.$delete(at(id));
}

export const summary = (call: Call = {}) => read(api['siem-summary'].$get({}, abortable(call)), siemSummary);
export const rotateSecret = (id: string) => read(one['rotate-secret'].$post(at(id)), destinationCreated);
export const replay = (id: string, json: z.input<typeof replayStart>) => read(one.replay.$post({ ...at(id), json }), destination);
export const cancelReplay = (id: string) => read(one.replay.cancel.$post(at(id)), destination);
export const readHealth = (id: string, by: 'hour' | 'day', call: Call = {}) =>
  read(one.health.$get({ ...at(id), query: { by } }, abortable(call)), health);
export const listSetAside = (id: string, cursor?: string, call: Call = {}) =>
  read(one['set-aside'].$get({ ...at(id), query: cursor === undefined ? {} : { cursor } }, abortable(call)), setAsideList);
export const retrySetAside = (id: string, seqs: number[]) =>
  read(one['set-aside'].retry.$post({ ...at(id), json: { seqs } }), setAsideRetried);
export const dismissSetAside = (id: string, seqs: number[]) =>
  read(one['set-aside'].dismiss.$post({ ...at(id), json: { seqs } }), setAsideDismissed);
