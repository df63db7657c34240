import {
  destination,
  destinationCreated,
  destinationList,
  destinationTested,
  type destinationCreate,
  type destinationUpdate,
} from '@gatehouse/core/api/audit.ts';
import type { z } from 'zod';
import { request, send, type Call } from './request.ts';

export type DestinationCreated = z.infer<typeof destinationCreated>;
export type DestinationTested = z.infer<typeof destinationTested>;

type Signal = Pick<Call, 'signal'>;

export const list = (call: Signal = {}) => request('GET', '/siem-destinations', destinationList, { ...call, query: { limit: 100 } });
export const create = (body: z.input<typeof destinationCreate>) => request('POST', '/siem-destinations', destinationCreated, { body });
export const get = (id: string, call: Signal = {}) => request('GET', `/siem-destinations/${id}`, destination, call);
export const update = (id: string, body: z.input<typeof destinationUpdate>) =>
  request('PATCH', `/siem-destinations/${id}`, destination, { body });
export const test = (id: string) => request('POST', `/siem-destinations/${id}/test`, destinationTested);
export const pause = (id: string) => request('POST', `/siem-destinations/${id}/pause`, destination);
export const resume = (id: string) => request('POST', `/siem-destinations/${id}/resume`, destination);

export async function remove(id: string): Promise<void> {
  await send('DELETE', `/siem-destinations/${id}`);
}
