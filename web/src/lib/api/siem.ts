import {
  destination,
  destinationCreated,
  destinationList,
  destinationTested,
  type destinationCreate,
  type destinationUpdate,
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
