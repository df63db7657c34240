import type { OidcConfig } from '../api/sso.ts';
import type { ProviderPreset } from '../api/identity-providers.ts';
import { email as address } from '../api/common.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Values of one claim that are looked at. */
export const VALUES_LIMIT = 200;
const VALUE_LENGTH = 200;
const NAME_LENGTH = 80;
/** Okta cuts a groups claim here and says nothing. */
const OKTA_CUTS_AT = 100;

/** A claim by its whole name first, for those that are addresses (`https://acme.example/roles`), else along the dots. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let found: unknown = claims;
  for (const step of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Claims)[step];
  }
  return found;
}

/** Text without what breaks a log or a page; null where there is none. */
function textAt(claims: Claims, path: string, max: number): string | null {
  const value = claimAt(claims, path);
  if (typeof value !== 'string') return null;
  return (
    value
      .replace(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, max) || null
  );
}

/** Each value once: of a list, or of a single text. */
function valuesAt(claims: Claims, path: string): string[] {
  const value = claimAt(claims, path);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const fitting = list.flatMap((each) =>
    typeof each === 'string' && each.trim() !== '' && each.length <= VALUE_LENGTH && !/\p{Cc}/u.test(each) ? [each.trim()] : [],
  );
  return [...new Set(fitting)].slice(0, VALUES_LIMIT);
}

/** Somebody as the claims tell of them. */
export interface Told {
  subject: string;
  name: string | null;
  /** in small letters; null where there is none that is an address */
  email: string | null;
  /** null: the token does not say */
  emailVerified: boolean | null;
  externalId: string | null;
  /** null: not to be looked at */
  groups: string[] | null;
  roles: string[] | null;
  /** what whoever set it up should know */
  warnings: string[];
}

/** What the mapping makes of a token's claims. `sub` has been checked to be there. */
export function told(claims: Claims, config: Pick<OidcConfig, 'claims' | 'roles'>, preset: ProviderPreset): Told {
  const { claims: paths } = config;
  const email = address.safeParse(textAt(claims, paths.email, 254) ?? '');
  const overage = paths.groups === null ? null : groupsMissing(claims, paths.groups, preset);
  const verified = claims['email_verified'];
  return {
    subject: String(claims['sub']),
    name: textAt(claims, paths.name, NAME_LENGTH),
    email: email.success ? email.data : null,
    // Some providers send the text.
    emailVerified: verified === undefined || verified === null ? null : verified === true || verified === 'true',
    externalId: textAt(claims, paths.externalId, 300),
    groups: paths.groups === null || overage !== null ? null : valuesAt(claims, paths.groups),
    roles: paths.roles === null ? null : valuesAt(claims, paths.roles),
    warnings: overage === null ? [] : [overage],
  };
}

/**
 * Why the groups of this token are not all there; null when they are. Entra leaves them out above 200 and says where to ask instead;
 * Okta cuts at 100 without a word.
 */
function groupsMissing(claims: Claims, path: string, preset: ProviderPreset): string | null {
  const elsewhere = claims['_claim_names'];
  const named = typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, path);
  if (named || claims['hasgroups'] === true || claims['hasgroups'] === 'true')
    return 'The provider left the groups out because there are too many. Groups were left as they are: use app roles, or let SCIM keep them.';
  const value = claimAt(claims, path);
  const count = Array.isArray(value) ? value.length : 0;
  if (preset === 'okta' && count >= OKTA_CUTS_AT)
    return `Okta sends at most ${OKTA_CUTS_AT} groups and cuts the rest without saying so. Groups were left as they are: narrow the filter of the claim, or let SCIM keep them.`;
  if (count > VALUES_LIMIT) return `The token names ${count} groups, more than ${VALUES_LIMIT}. Groups were left as they are.`;
  return null;
}

/** Roles here that these values give. */
export function rolesGiven(values: readonly string[], map: OidcConfig['roles']): string[] {
  return [...new Set(map.filter(({ value }) => values.includes(value)).map(({ role }) => role))];
}
