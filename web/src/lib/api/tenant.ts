import { tenant, type tenantUpdate } from '@gatehouse/core/api/directory.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, type Call } from './client.ts';

export type Tenant = z.infer<typeof tenant>;

export const get = (call: Call = {}) => read(api.tenant.$get({}, abortable(call)), tenant);
export const update = (json: z.input<typeof tenantUpdate>) => read(api.tenant.$patch({ json }), tenant);
