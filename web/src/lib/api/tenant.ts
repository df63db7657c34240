import { tenant, type tenantUpdate } from '@gatehouse/core/api/directory.ts';
import type { z } from 'zod';
import { request, type Call } from './request.ts';

export type Tenant = z.infer<typeof tenant>;

export const get = (call: Pick<Call, 'signal'> = {}) => request('GET', '/tenant', tenant, call);
export const update = (body: z.input<typeof tenantUpdate>) => request('PATCH', '/tenant', tenant, { body });
