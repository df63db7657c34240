import type { Context as HonoContext } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { parse } from 'hono/utils/cookie';
import { SESSION_HOURS } from './session.ts';

/** `__Host-`: the browser sends it to this very host only, over TLS only, and no page can read it. */
const NAME = 'gatehouse';
const ATTRIBUTES = { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const;

export const setSessionCookie = (c: HonoContext, credential: string): void =>
  setCookie(c, NAME, credential, { ...ATTRIBUTES, maxAge: SESSION_HOURS * 3600 });

export const clearSessionCookie = (c: HonoContext): void => void deleteCookie(c, NAME, ATTRIBUTES);

export const sessionCredential = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : parse(header, `__Host-${NAME}`)[`__Host-${NAME}`];
