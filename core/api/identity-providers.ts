import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { text, time } from './common.ts';
import { groupRef } from './groups.ts';

/** Whose guide an administrator follows, and whose traps are known. */
export const PROVIDER_PRESETS = {
  okta: 'Okta',
  entra: 'Microsoft Entra ID',
  google: 'Google',
  keycloak: 'Keycloak',
  other: 'Another',
} as const;
export type ProviderPreset = keyof typeof PROVIDER_PRESETS;
const presets = Object.keys(PROVIDER_PRESETS) as [ProviderPreset, ...ProviderPreset[]];

/** that an organisation may have */
export const PROVIDERS_LIMIT = 20;

export const providerName = text(60);
export const providerCreate = z.object({ name: providerName, preset: z.enum(presets) });
export const providerUpdate = z.object({ name: providerName });

/** How one half of a connection stands: `unset` until it is set up, `failing` when the last thing that happened was an error. */
const half = z.object({
  state: z.enum(['unset', 'off', 'on', 'failing']),
  usedAt: time.nullable(),
  error: z.object({ message: z.string(), at: time }).nullable(),
});

export const identityProvider = z.object({
  id: idSchema('identityProvider'),
  name: z.string(),
  preset: z.enum(presets),
  /** people sign in through it (OIDC) */
  signIn: half.extend({ secretExpiresAt: time.nullable() }),
  /** it keeps people and groups up to date (SCIM) */
  provisioning: half.extend({ tokenExpiresAt: time.nullable(), people: z.number().int(), groups: z.number().int() }),
  createdAt: time,
});
export type IdentityProvider = z.infer<typeof identityProvider>;
export const identityProviderList = z.object({ items: z.array(identityProvider) });

/** What becomes of what a provider gave when it is removed: it ends, or stays as if it had been given by hand. */
export const providerRemoval = z.object({ gives: z.enum(['end', 'keep']).default('end') });

/** Who would lose what. */
export const providerRemovalPreview = z.object({
  /** people who have a role or a group by it */
  losing: z.number().int(),
  /** given by its claims, with the first who have them */
  roles: z.array(z.object({ name: z.string(), people: z.number().int(), names: z.array(z.string()) })),
  /** with what each gives: roles, templates, places in groups */
  groups: z.array(groupRef.extend({ people: z.number().int(), gives: z.array(z.string()) })),
  /** beyond those shown */
  moreGroups: z.number().int(),
  mappings: z.number().int(),
  /** known to sign in through it */
  accounts: z.number().int(),
  /** whom it keeps by SCIM; they stay as they are */
  people: z.number().int(),
  domains: z.array(z.string()),
  /** why it can't be removed now */
  obstacle: z.string().nullable(),
});
export type ProviderRemoval = z.infer<typeof providerRemovalPreview>;
