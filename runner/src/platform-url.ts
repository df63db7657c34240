import { Failure } from './failure.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * The platform's origin, without a path.
 * @throws Failure unless it is https, or http to this very machine: the token would travel in clear
 */
export function checkPlatformUrl(value: string): string {
  if (!URL.canParse(value)) throw new Failure(`"${value}" is not an address. Give --url as https://gatehouse.example`);
  const url = new URL(value);
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname));
  if (!safe) throw new Failure('The address must start with https:// (http:// only to localhost)');
  if (url.username !== '' || url.password !== '') throw new Failure('The address must not hold a user name or password');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw new Failure('The address must not have a path');
  return url.origin;
}

/** `ws(s)://host/path` for the platform's origin. */
export const socketUrl = (origin: string, path: string): string => origin.replace(/^http/, 'ws') + path;
