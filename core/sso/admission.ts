import type { OidcConfig } from '../api/sso.ts';
import type { Told } from './claims.ts';

/** What is known here of somebody who comes from a provider. */
export interface Known {
  /** whose account this issuer and subject are */
  identity: string | null;
  /** whom this provider itself has provisioned under that id, or with that address */
  provisioned: string | null;
  /** who has the address; `others`: they are somebody else at this issuer */
  holder: { id: string; others: boolean } | null;
  /** the address' domain, where an organisation's claim to it was proved */
  domain: { provider: string | null } | null;
}

export type Admission =
  | { outcome: 'enter'; userId: string; why: string }
  | { outcome: 'link'; userId: string; why: string }
  | { outcome: 'create'; why: string }
  | { outcome: 'refuse'; why: string };

const refuse = (why: string): Admission => ({ outcome: 'refuse', why });

/**
 * Whether somebody is let in, and as whom. An account is known by issuer and subject. An address alone proves nothing: it ties somebody
 * to a person who is here only where this provider keeps that person by SCIM, or is the one that the organisation trusts with the domain.
 */
export function admission(
  person: Pick<Told, 'email' | 'emailVerified' | 'groups' | 'name'>,
  known: Known,
  provider: { id: string; name: string; admission: OidcConfig['admission'] },
): Admission {
  if (known.identity !== null) return { outcome: 'enter', userId: known.identity, why: 'This account has signed in before.' };
  const { email } = person;
  const trusted = known.domain !== null && known.domain.provider === provider.id;
  if (known.holder?.others === true && (known.provisioned === null || known.provisioned === known.holder.id))
    return refuse(`The address ${email} belongs to somebody who signs in with another account of ${provider.name}.`);
  if (known.provisioned !== null)
    return { outcome: 'link', userId: known.provisioned, why: `${provider.name} has provisioned this person.` };
  if (known.holder !== null) return linkByAddress(email ?? '', known.holder.id, person.emailVerified, trusted, provider.name);
  if (email === null) return refuse('The token has no e-mail address that could be used: look at the claim for it.');
  if (person.emailVerified === false) return refuse(`${provider.name} says that the address ${email} is not verified.`);
  if (known.domain !== null && !trusted) return refuse(`People of ${domainOf(email)} come in by another way than ${provider.name}.`);
  return byRule(person, email, trusted, provider);
}

function linkByAddress(email: string, userId: string, verified: boolean | null, trusted: boolean, name: string): Admission {
  if (verified === false) return refuse(`${name} says that the address ${email} is not verified.`);
  if (trusted) return { outcome: 'link', userId, why: `${name} is trusted with the addresses of ${domainOf(email)}.` };
  return refuse(
    `Somebody with the address ${email} is here already, and ${name} is not trusted with it: prove the domain ${domainOf(email)} and assign it to ${name}, or let it provision people.`,
  );
}

function byRule(
  person: Pick<Told, 'groups'>,
  email: string,
  trusted: boolean,
  { name, admission: { rule, groups } }: { name: string; admission: OidcConfig['admission'] },
): Admission {
  switch (rule) {
    case 'never':
      return refuse(`Nobody is here with this account, and ${name} does not add people by signing in.`);
    case 'anybody':
      return { outcome: 'create', why: `Anybody of ${name} is let in.` };
    case 'domain':
      return trusted
        ? { outcome: 'create', why: `The domain ${domainOf(email)} is proved and assigned to ${name}.` }
        : refuse(`The domain ${domainOf(email)} is not proved here and assigned to ${name}.`);
    case 'groups': {
      if (person.groups === null) return refuse('Which groups they are in is not known: the token does not say.');
      const found = person.groups.find((group) => groups.includes(group));
      return found === undefined
        ? refuse('They are in none of the groups that are let in.')
        : { outcome: 'create', why: `They are in ${found}.` };
    }
  }
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1).toLowerCase();

/** One slash, then what stands in addresses: browsers read a backslash as a slash, and drop tabs and line ends. */
const PATH = /^\/(?!\/)[!-[\]-~]*$/;
/** Steps that a browser takes out of a path, and what could be left of them: `/.//elsewhere`. */
const STEPS = /\/\/|\/\.{1,2}(?:\/|$)/;

/** A path within Gatehouse, from text that anybody may have written; else its start. */
export function pathWithin(text: string): string {
  const [path = ''] = text.split(/[?#]/, 1);
  return PATH.test(text) && !STEPS.test(path) ? text : '/';
}
