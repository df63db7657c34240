import { z } from 'zod';
import { BUILT_IN_ROLES, PERMISSIONS, type BuiltInRole, type Permission } from '../access/permissions.ts';
import { idSchema } from '../ids.ts';
import { email, listOf, password, secret, slug, text, time, typedPassword } from './common.ts';

export const builtInRole = z.enum(Object.keys(BUILT_IN_ROLES) as [BuiltInRole, ...BuiltInRole[]]);
export const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]]);
/** A role that the organisation made itself; built-in ones are named by themselves. */
export const customRoleRef = z.object({ id: idSchema('role'), name: z.string() });
export const REGIONS = ['auto', 'eu'] as const;

export const signUp = z.object({
  tenant: z.object({ name: text(80), slug, region: z.enum(REGIONS).default('auto') }),
  user: z.object({ name: text(80), email, password }),
});
export const login = z.object({ tenant: slug, email, password: typedPassword });
export const verifyEmail = z.object({ token: secret });

/** How somebody proved who they are. A passkey counts as two factors: what one has, and a finger or a PIN. `sso`: at the organisation's provider. */
export const SIGN_IN_METHODS = ['password', 'password+totp', 'password+recovery-code', 'passkey', 'sso'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];
const method = z.enum(SIGN_IN_METHODS);

export const me = z.object({
  user: z.object({
    id: idSchema('user'),
    name: z.string(),
    email: z.string(),
    emailVerified: z.boolean(),
    roles: z.array(builtInRole),
    customRoles: z.array(customRoleRef),
    /** may edit the members of at least one group */
    managesGroups: z.boolean(),
  }),
  tenant: z.object({ id: idSchema('tenant'), name: z.string(), slug: z.string(), region: z.enum(REGIONS) }),
  permissions: z.array(permission),
  session: z.object({
    id: idSchema('session'),
    expiresAt: time,
    /** it is bound to the key of its browser, without which no workspace opens */
    hasKey: z.boolean(),
    method,
    authenticatedAt: time.or(z.literal('')),
  }),
  /** `missing`: the organisation requires a second factor and the person has none; nothing else opens until then */
  secondFactor: z.object({ set: z.boolean(), missing: z.boolean() }),
});
export type Me = z.infer<typeof me>;

export const session = z.object({
  id: idSchema('session'),
  current: z.boolean(),
  createdAt: time,
  lastSeenAt: time,
  expiresAt: time,
  ip: z.string().nullable(),
  browser: z.string().nullable(),
  os: z.string().nullable(),
  device: z.string().nullable(),
  country: z.string().nullable(),
  city: z.string().nullable(),
  method,
  /** bytes that its connections read from workspaces so far, by what they came from */
  read: z.object({ files: z.number().int(), terminals: z.number().int(), apps: z.number().int(), other: z.number().int() }),
});
export const sessionList = listOf(session);
