import { ScimError } from '@gatehouse/core/scim/scim-error.ts';

/** Weak, as the same resource may be shown with more or fewer attributes. */
export const etagOf = (version: number | string): string => `W/"${version}"`;

const listed = (header: string) => header.split(',').map((each) => each.trim().replace(/^W\//, ''));
const isNamed = (header: string, etag: string) => listed(header).some((each) => each === '*' || each === etag.replace(/^W\//, ''));

/** @throws ScimError 412 when somebody changed it since the caller saw it */
export function requireMatch(ifMatch: string | null, etag: string): void {
  if (ifMatch !== null && !isNamed(ifMatch, etag)) throw new ScimError(412, null, `It has changed since: it is ${etag} now`);
}

export const isKnown = (ifNoneMatch: string | null, etag: string): boolean => ifNoneMatch !== null && isNamed(ifNoneMatch, etag);
