import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { parse } from 'hono/utils/cookie';
import { APP_COOKIE } from '@gatehouse/core/apps/headers.ts';
import type { Settings } from '../platform/env.ts';
import { APP_SESSION_MS } from './app-sessions.ts';

/**
 * The cookie of a web app's session: a credential, and behind `~` that this deployment made it for that host. Whose it is
 * the workspace's object knows; the mark keeps everybody who makes one up away from the objects.
 */
const markOf = ({ KEK }: Settings, host: string, credential: string): string => {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(KEK, 'base64url'), '', 'gatehouse app cookie', 32));
  return createHmac('sha256', key).update(`${host}\n${credential}`).digest('base64url');
};

export const appCookie = (settings: Settings, host: string, credential: string): string =>
  `${credential}~${markOf(settings, host, credential)}`;

/** The credential that a request brings; null for none, and for one that this deployment did not make for that host. */
export function credentialIn(settings: Settings, host: string, header: string | null): string | null {
  const value = header === null ? undefined : parse(header, APP_COOKIE)[APP_COOKIE];
  const [credential = '', mark = ''] = value?.split('~') ?? [];
  const [given, right] = [Buffer.from(mark), Buffer.from(markOf(settings, host, credential))];
  return given.length === right.length && timingSafeEqual(given, right) ? credential : null;
}

/** `__Host-`: for this host alone; no page can read it, and no other site's request but a link that is followed brings it. */
export const cookieLine = (cookie: string): string =>
  `${APP_COOKIE}=${cookie}; Path=/; Max-Age=${APP_SESSION_MS / 1000}; Secure; HttpOnly; SameSite=Lax`;
