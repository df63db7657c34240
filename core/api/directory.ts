import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { email, listOf, page, password, secret, text, time } from './common.ts';
import { builtInRole, customRoleRef, REGIONS } from './identity.ts';

export const QUOTAS = {
  users: 10_000,
  templates: 1_000,
  runners: 200,
  workspaces: 20_000,
  destinations: 10,
  invitations: 1_000,
  groups: 1_000,
  roles: 200,
} as const;
export type Quota = keyof typeof QUOTAS;
/** "at most 10,000 users" */
export const quotaWords = (quota: Quota): string => `at most ${QUOTAS[quota].toLocaleString('en-GB')} ${quota}`;

/** How many days the audit log is kept in the archive. */
export const AUDIT_RETENTION = { min: 30, max: 3650, usual: 365 } as const;

export const tenant = z.object({
  id: idSchema('tenant'),
  name: z.string(),
  slug: z.string(),
  region: z.enum(REGIONS),
  createdAt: time,
  twoFactorsRequired: z.boolean(),
  auditRetentionDays: z.number().int(),
  quotas: z.array(z.object({ name: z.enum(Object.keys(QUOTAS) as [Quota, ...Quota[]]), used: z.number().int(), limit: z.number().int() })),
});
export const tenantUpdate = z
  .object({
    name: text(80),
    twoFactorsRequired: z.boolean(),
    auditRetentionDays: z
      .number('must be a number')
      .int('must be a whole number')
      .min(AUDIT_RETENTION.min, `must be at least ${AUDIT_RETENTION.min}`)
      .max(AUDIT_RETENTION.max, `must be at most ${AUDIT_RETENTION.max.toLocaleString('en-GB')}`)
      .describe('only an owner makes it shorter'),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'must change something');

export const USER_STATES = ['active', 'suspended', 'deactivated'] as const;
export const user = z.object({
  id: idSchema('user'),
  name: z.string(),
  email: z.string(),
  emailVerified: z.boolean(),
  state: z.enum(USER_STATES),
  roles: z.array(builtInRole),
  customRoles: z.array(customRoleRef),
  createdAt: time,
  lastSeenAt: time.nullable(),
});
export type User = z.infer<typeof user>;
export const userList = listOf(user);
/** Deleted people are listed only when `state` asks for them. */
export const userQuery = page.extend({
  q: text(100).optional(),
  state: z.enum(USER_STATES).optional(),
  role: builtInRole.optional(),
});
export const userDetail = user.extend({
  sessions: z.number().int(),
  workspaces: z.number().int(),
  tokens: z.number().int(),
  /** what they prove themselves with beside a password */
  secondFactors: z.object({ passkeys: z.number().int(), app: z.boolean() }),
  /** whether the caller may act on them, or why nobody like the caller may */
  standing: z.enum(['yes', 'self', 'mightier', 'deleted']),
});
export type UserDetail = z.infer<typeof userDetail>;
export const userUpdate = z.object({ name: text(80) });

export const USER_ACTIONS = ['suspend', 'activate', 'delete', 'sign-out'] as const;
export type UserAction = (typeof USER_ACTIONS)[number];
/** As many as one request takes. */
export const BULK_LIMIT = 200;
export const usersBulk = z.object({ action: z.enum(USER_ACTIONS), ids: z.array(idSchema('user')).min(1).max(BULK_LIMIT) });
/** What became of each, in the order asked. */
export const bulkResult = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      ok: z.boolean(),
      code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).nullable(),
      reason: z.string().nullable(),
    }),
  ),
});
export type BulkResult = z.infer<typeof bulkResult>;

export const assignable = builtInRole.exclude(['member']);
/** A built-in role by its name, or a custom one by its id. */
const offeredRole = z.union([assignable, idSchema('role')]);
export const invitationCreate = z.object({
  email,
  roles: z.array(offeredRole).max(20).default([]),
  groups: z.array(idSchema('group')).max(20).default([]),
  /** when the roles and the places in groups end; null: not */
  accessEndsAt: time.nullable().default(null),
});
export const invitation = z.object({
  id: idSchema('invitation'),
  email: z.string(),
  roles: z.array(builtInRole),
  customRoles: z.array(customRoleRef),
  groups: z.array(z.object({ id: idSchema('group'), name: z.string() })),
  accessEndsAt: time.nullable(),
  invitedBy: z.object({ id: idSchema('user'), name: z.string() }),
  createdAt: time,
  expiresAt: time,
});
export type Invitation = z.infer<typeof invitation>;
export const invitationList = listOf(invitation);
/** The link carries its secret in the fragment and is shown only in this answer and in the mail. */
export const invitationCreated = invitation.extend({ link: z.string() });
export const invitationPreview = z.object({ token: secret });
export const invitationShown = z.object({
  tenant: z.object({ name: z.string(), slug: z.string() }),
  email: z.string(),
  invitedBy: z.string(),
  expiresAt: time,
});
export const invitationAccept = z.object({ token: secret, name: text(80), password });
