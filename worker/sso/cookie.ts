import type { Context as HonoContext } from 'hono';
import { setCookie } from 'hono/cookie';
import { parse } from 'hono/utils/cookie';
import { FLOW_MINUTES } from './flows.ts';

/** Lax: the provider's answer is a navigation from another site. */
const NAME = 'gatehouse-sso';
const ATTRIBUTES = { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const;

export const setBrowserCookie = (c: HonoContext, browser: string): void =>
  setCookie(c, NAME, browser, { ...ATTRIBUTES, maxAge: FLOW_MINUTES * 60 });

/** What ties a flow to the browser that began it. One serves all that it begins, in several tabs. */
export function browserOf(header: string | undefined): string | undefined {
  const value = header === undefined ? undefined : parse(header, `__Host-${NAME}`)[`__Host-${NAME}`];
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
}
