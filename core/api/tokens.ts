import { z } from 'zod';
import { normalNetwork } from '../access/networks.ts';
import { SCOPES, type Scope } from '../access/scopes.ts';
import { idSchema } from '../ids.ts';
import { listOf, page, text, time } from './common.ts';
import { BULK_LIMIT } from './directory.ts';
import { permission } from './identity.ts';

export const TOKEN_DAYS = { default: 90, max: 365 } as const;
/** Of one person or service account, those that are over not counted. */
export const TOKENS_EACH = 50;

export const scope = z.enum(Object.keys(SCOPES) as [Scope, ...Scope[]]);

const network = z
  .string()
  .trim()
  .max(50)
  .refine((value) => normalNetwork(value) !== null, 'must be an address or a network, such as 192.0.2.0/24 or 2001:db8::/32')
  .transform((value) => normalNetwork(value) ?? value);

export const tokenCreate = z.object({
  name: text(80),
  scopes: z
    .array(scope)
    .min(1, 'must name at least one thing that the token may do')
    .max(100)
    .transform((scopes) => [...new Set(scopes)]),
  expiresInDays: z
    .number()
    .int()
    .min(1, 'must be at least 1 day')
    .max(TOKEN_DAYS.max, `must be at most ${TOKEN_DAYS.max} days`)
    .default(TOKEN_DAYS.default),
  /** from where it may be used; empty: from anywhere */
  networks: z.array(network).max(20, 'must be at most 20').default([]),
});

export const OWNER_TYPES = ['user', 'service-account'] as const;
const owner = z.object({ type: z.enum(OWNER_TYPES), id: z.string(), name: z.string() });

export const TOKEN_STATES = ['active', 'expired', 'revoked'] as const;
export const token = z.object({
  id: idSchema('token'),
  name: z.string(),
  owner,
  scopes: z.array(scope),
  networks: z.array(z.string()),
  state: z.enum(TOKEN_STATES),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time,
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable(),
  lastUsedFrom: z.string().nullable(),
});
export type Token = z.infer<typeof token>;
export const tokenList = listOf(token);
/** The secret is in this answer and nowhere else. */
export const tokenCreated = token.extend({ secret: z.string() });
export type TokenCreated = z.infer<typeof tokenCreated>;

export const tokenQuery = page.extend({
  /** part of the token's or its owner's name */
  q: text(100).optional(),
  state: z.enum(TOKEN_STATES).optional(),
  ownerId: z.union([idSchema('user'), idSchema('serviceAccount')]).optional(),
});
export const tokensRevoke = z.object({ ids: z.array(idSchema('token')).min(1).max(BULK_LIMIT) });

/** What a token is told about itself. */
export const tokenSelf = z.object({
  id: idSchema('token'),
  name: z.string(),
  owner,
  tenant: z.object({ id: idSchema('tenant'), name: z.string(), slug: z.string() }),
  scopes: z.array(scope),
  /** scopes that its owner's roles bear out at this moment */
  permissions: z.array(permission),
  expiresAt: time,
});
