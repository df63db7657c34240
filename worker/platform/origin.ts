import Bowser from 'bowser';
import type { AuditOrigin } from '@gatehouse/core/audit/event.ts';

const clean = (value: string | null | undefined, max: number): string | null => {
  const text = value
    ?.replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, max);
  return text ? text : null;
};

/**
 * Where a request came from. The platform's own facts (CF-Connecting-IP, `request.cf`) are believed
 * only when deployed; locally the place is null, and the address is what the local server saw.
 */
export function originOf(request: Request, environment: 'deployed' | 'local'): AuditOrigin {
  const userAgent = clean(request.headers.get('User-Agent'), 400);
  const cf = environment === 'deployed' ? (request.cf as IncomingRequestCfProperties | undefined) : undefined;
  return {
    ip: clean(request.headers.get('CF-Connecting-IP'), 64),
    userAgent,
    ...deviceOf(userAgent),
    country: clean(cf?.country, 2),
    city: clean(cf?.city, 100),
    asn: cf?.asn === undefined ? null : clean(`AS${cf.asn} ${cf.asOrganization ?? ''}`, 120),
  };
}

/** Browser, system and kind of device from a user agent; null where it doesn't say. */
export function deviceOf(userAgent: string | null): Pick<AuditOrigin, 'browser' | 'os' | 'device'> {
  if (userAgent === null) return { browser: null, os: null, device: null };
  const { browser, os, platform } = Bowser.parse(userAgent);
  const join = (...parts: Array<string | undefined>) => clean(parts.filter(Boolean).join(' '), 100);
  return {
    browser: join(browser.name, browser.version?.split('.')[0]),
    os: join(os.name, os.versionName ?? os.version),
    device: clean(platform.type, 40),
  };
}
