import { email as address } from '../api/common.ts';
import type { Json } from './filter-match.ts';
import { invalidValue } from './scim-error.ts';

const MAX_NAME = 100;

/** What Gatehouse itself takes from a person’s resource. */
export interface DirectoryPerson {
  /** as it was sent, and folded as it is looked for */
  userName: string;
  externalId: string | null;
  name: string;
  email: string;
  active: boolean;
}

/** @throws ScimError `invalidValue` for what is missing */
export function personFrom(resource: Json): DirectoryPerson {
  const userName = textOf(resource['userName']);
  if (userName === null || userName.length > 300) throw invalidValue('userName is missing, or has more than 300 characters');
  return {
    userName,
    externalId: textOf(resource['externalId']),
    name: nameFrom(resource, userName),
    email: addressFrom(resource, userName),
    active: resource['active'] !== false,
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value.trim() : null);

function nameFrom(resource: Json, userName: string): string {
  const { formatted, givenName, familyName } = (resource['name'] ?? {}) as Json;
  const parts = [givenName, familyName].flatMap((part) => textOf(part) ?? []).join(' ');
  const found = textOf(resource['displayName']) ?? textOf(formatted) ?? textOf(parts) ?? textOf(resource['nickName']) ?? userName;
  return found.replace(/\s+/g, ' ').slice(0, MAX_NAME);
}

/** The primary address, else that of work, else the first; where there is none, a user name that is one. */
function addressFrom(resource: Json, userName: string): string {
  const all = (resource['emails'] ?? []) as Json[];
  const chosen =
    all.find((entry) => entry['primary'] === true) ?? all.find((entry) => textOf(entry['type'])?.toLowerCase() === 'work') ?? all[0];
  const read = address.safeParse(textOf(chosen?.['value']) ?? userName);
  if (!read.success) throw invalidValue('A person needs an e-mail address: send one in emails, or as userName');
  return read.data;
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1);
