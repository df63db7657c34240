import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { listOf, page, text, time } from './common.ts';
import { assignable, USER_STATES } from './directory.ts';
import { customRoleRef } from './identity.ts';

export const SERVICE_ACCOUNTS_LIMIT = 100;

const roles = z
  .array(assignable)
  .max(4)
  .transform((given) => [...new Set(given)]);

export const serviceAccountCreate = z.object({
  name: text(80),
  description: text(500, 0).default(''),
  /** who answers for it; the caller unless said */
  responsibleId: idSchema('user').optional(),
  roles: roles.default([]),
});
export const serviceAccountUpdate = z
  .object({ name: text(80), description: text(500, 0), responsibleId: idSchema('user'), roles })
  .partial()
  .refine((value) => Object.keys(value).length > 0, 'must change something');

export const SERVICE_ACCOUNT_STATES = ['active', 'suspended'] as const;
export const serviceAccount = z.object({
  id: idSchema('serviceAccount'),
  name: z.string(),
  description: z.string(),
  state: z.enum(SERVICE_ACCOUNT_STATES),
  roles: z.array(assignable),
  customRoles: z.array(customRoleRef),
  /** `state` shows when that person has left and somebody else should take over */
  responsible: z.object({ id: idSchema('user'), name: z.string(), state: z.enum(USER_STATES) }),
  /** tokens that work */
  tokens: z.number().int(),
  createdAt: time,
  lastUsedAt: time.nullable(),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;
export const serviceAccountList = listOf(serviceAccount);
export const serviceAccountQuery = page.extend({ q: text(100).optional(), state: z.enum(SERVICE_ACCOUNT_STATES).optional() });
