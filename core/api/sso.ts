import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { email, slug, text, time } from './common.ts';
import { me } from './identity.ts';
import { PROVIDER_PRESETS, type ProviderPreset } from './identity-providers.ts';

const preset = z.enum(Object.keys(PROVIDER_PRESETS) as [ProviderPreset, ...ProviderPreset[]]);

/** A claim by its name, or a way into it: `realm_access.roles`. A name that itself has dots is looked for first. */
const claimPath = text(200);
/** One value of a claim: the name or id of a group or a role at the provider. */
const claimValue = text(200);

/** How Gatehouse shows the provider that it is Gatehouse. */
export const CLIENT_AUTHENTICATIONS = ['secret', 'key'] as const;
/** Who becomes a person of the organisation by signing in for the first time. */
export const ADMISSION_RULES = ['never', 'domain', 'groups', 'anybody'] as const;
export type AdmissionRule = (typeof ADMISSION_RULES)[number];

export const oidcConfig = z.object({
  issuer: z.url('must be an address').max(300),
  clientId: text(300),
  authentication: z.enum(CLIENT_AUTHENTICATIONS),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'must be scopes'))
    .max(20)
    .refine((scopes) => scopes.includes('openid'), 'must include openid')
    .default(['openid', 'profile', 'email']),
  claims: z
    .object({
      name: claimPath.default('name'),
      email: claimPath.default('email'),
      /** null: groups are left alone */
      groups: claimPath.nullable().default(null),
      roles: claimPath.nullable().default(null),
      /** what SCIM calls externalId */
      externalId: claimPath.default('sub'),
    })
    .default({ name: 'name', email: 'email', groups: null, roles: null, externalId: 'sub' }),
  admission: z
    .object({ rule: z.enum(ADMISSION_RULES), groups: z.array(claimValue).max(50).default([]) })
    .refine(({ rule, groups }) => rule !== 'groups' || groups.length > 0, { path: ['groups'], message: 'must name a group' })
    .default({ rule: 'never', groups: [] }),
  /** roles here that a value of the roles claim gives; none by itself */
  roles: z
    .array(z.object({ value: claimValue, role: text(40) }))
    .max(50)
    .default([]),
  /** what the provider is asked for where somebody confirms that it is them; none: a new sign-in */
  stepUpAcr: z.array(text(200)).max(5).default([]),
  /** the session ends when the provider's token does */
  followsToken: z.boolean().default(false),
  /** signing out here signs out at the provider, too */
  signsOutThere: z.boolean().default(false),
  /** the provider ends sessions here */
  backChannelLogout: z.boolean().default(true),
});
export type OidcConfig = z.infer<typeof oidcConfig>;

/** `secret`: left out, the one that is there stays. */
export const oidcSet = oidcConfig.extend({ secret: text(2000).optional(), secretExpiresAt: time.nullable().default(null) });

const publicJwk = z.object({
  kty: z.literal('RSA'),
  n: z.string(),
  e: z.string(),
  kid: z.string(),
  alg: z.literal('RS256'),
  use: z.literal('sig'),
});
export const publicJwks = z.object({ keys: z.array(publicJwk) });

/** What the provider says of itself. */
export const discovered = z.object({
  issuer: z.string(),
  authorizationEndpoint: z.string(),
  tokenEndpoint: z.string(),
  userinfoEndpoint: z.string().nullable(),
  endSessionEndpoint: z.string().nullable(),
  keys: z.number().int(),
  scopes: z.array(z.string()),
  claims: z.array(z.string()),
  acrValues: z.array(z.string()),
  fetchedAt: time,
});
/** One thing that was looked at: `warn` works, with a trap. */
export const check = z.object({ name: z.string(), result: z.enum(['good', 'warn', 'bad']), said: z.string() });
export type Check = z.infer<typeof check>;
export const discovery = z.object({ checks: z.array(check), discovered: discovered.nullable() });
export type Discovery = z.infer<typeof discovery>;

export const connection = z.object({
  id: idSchema('identityProvider'),
  name: z.string(),
  preset,
  state: z.enum(['unset', 'off', 'on']),
  config: oidcConfig.nullable(),
  /** one is kept; it is never shown again */
  hasSecret: z.boolean(),
  secretExpiresAt: time.nullable(),
  /** with which the provider checks our signature, where a key authenticates */
  publicKey: publicJwk.nullable(),
  /** what the provider is told of us */
  addresses: z.object({
    redirect: z.string(),
    start: z.string(),
    jwks: z.string(),
    backChannelLogout: z.string(),
    afterLogout: z.string(),
  }),
  discovered: discovered.nullable(),
  warning: z.object({ message: z.string(), at: time }).nullable(),
  error: z.object({ message: z.string(), at: time }).nullable(),
});
export type Connection = z.infer<typeof connection>;
export const connectionState = z.object({ state: z.enum(['on', 'off']) });

/** Which organisation somebody means: by its short name, or by their address. */
export const realmAsk = z.object({ tenant: slug.optional(), email: email.optional() });
export const realm = z.object({
  /** the organisation that a mail domain leads to; null: the one that was named, or none is known */
  tenant: z.string().nullable(),
  /** the address' domain belongs to one of them: go there first */
  first: idSchema('identityProvider').nullable(),
  /** nobody but a few comes in by password or passkey */
  required: z.boolean(),
  providers: z.array(z.object({ id: idSchema('identityProvider'), name: z.string(), preset })),
});
export type Realm = z.infer<typeof realm>;

/** Text as somebody else made it, not trimmed: it must stay what it is. */
const given = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const returnTo = given(500).default('/');
/** `provider` is needed where the organisation has several and no domain decides. */
export const ssoStart = z.object({ tenant: slug, provider: idSchema('identityProvider').optional(), email: email.optional(), returnTo });
export const ssoConfirm = z.object({ returnTo });
export const ssoStarted = z.object({ url: z.string() });

/** What the provider gave the browser, as it came. */
export const ssoFinish = z.object({
  state: given(300).min(1),
  code: given(4000).optional(),
  iss: given(300).optional(),
  error: given(200).optional(),
  errorDescription: given(1000).optional(),
});

/** What a sign-in with these claims would do. */
export const dryRun = z.object({
  outcome: z.enum(['enter', 'link', 'create', 'refuse']),
  /** a sentence for whoever set it up */
  why: z.string(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  person: z.object({ id: idSchema('user'), name: z.string() }).nullable(),
  /** null: left alone */
  roles: z.array(z.string()).nullable(),
  groups: z.array(z.string()).nullable(),
  warnings: z.array(z.string()),
  /** the token's claims as they came, JSON */
  claims: z.string(),
});
export type DryRun = z.infer<typeof dryRun>;

export const ssoFinished = z.discriminatedUnion('purpose', [
  z.object({ purpose: z.literal('sign-in'), me, returnTo: z.string() }),
  z.object({ purpose: z.literal('step-up'), authenticatedAt: time, returnTo: z.string() }),
  z.object({ purpose: z.literal('test'), provider: idSchema('identityProvider'), report: dryRun }),
]);
export type SsoFinished = z.infer<typeof ssoFinished>;

/** Where to sign out at the provider, too; null: nowhere. */
export const ssoSignedOut = z.object({ url: z.string().nullable() });

export const DOMAINS_LIMIT = 50;
export const mailDomain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/, 'must be a domain such as acme.com');
export const domainAdd = z.object({ domain: mailDomain, provider: idSchema('identityProvider').nullable().default(null) });
export const domainUpdate = z.object({ provider: idSchema('identityProvider').nullable() });
/** A record that is missing for so many days ends the proof. */
export const PROOF_DAYS = 7;

export const domain = z.object({
  domain: z.string(),
  /** what the TXT record of `name` must say */
  record: z.object({ name: z.string(), value: z.string() }),
  verifiedAt: time.nullable(),
  checkedAt: time.nullable(),
  /** its record was not there when it was last looked for: since when, and when the proof ends for it */
  missing: z.object({ since: time, endsAt: time }).nullable(),
  provider: z.object({ id: idSchema('identityProvider'), name: z.string() }).nullable(),
  createdAt: time,
});
export type Domain = z.infer<typeof domain>;
export const domainList = z.object({ items: z.array(domain) });
export const domainChecked = z.object({ domain, found: z.array(z.string()) });

export const BREAK_GLASS_LIMIT = 10;
export const requirement = z.object({
  required: z.boolean(),
  people: z.array(z.object({ id: idSchema('user'), name: z.string(), email: z.string(), owner: z.boolean(), secondFactor: z.boolean() })),
});
export type Requirement = z.infer<typeof requirement>;
export const requirementSet = z.object({ required: z.boolean(), people: z.array(idSchema('user')).max(BREAK_GLASS_LIMIT) });
