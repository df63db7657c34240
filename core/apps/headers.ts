/** What of a request's and an answer's headers passes between a browser and a web app. */

export type HeaderList = [name: string, value: string][];

/** The service's own cookie on an app's host. No app sees it, and none can set it. */
export const APP_COOKIE = '__Host-gatehouse-app';
const OWN_COOKIES = '__host-gatehouse';

/** RFC 9110 §7.6.1, and what a proxy would answer for: they concern one hop. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'alt-svc'],
]);

/** Of requests: what the platform and proxies before it say, which an app could take for the truth; and `expect`, which ends here. */
const NOT_ASKED =
  /^(?:cf-|gatehouse-|mf-|x-forwarded-|forwarded$|x-real-ip$|true-client-ip$|host$|expect$|cookie$|origin$|referer$|sec-websocket-)/;
/** Of answers: what speaks for the service, or to caches on the way. */
const NOT_ANSWERED =
  /^(?:gatehouse-|set-cookie$|cache-control$|cdn-cache-control$|surrogate-control$|cloudflare-cdn-cache-control$|strict-transport-security$|location$)/;

const perHop = (headers: HeaderList): ReadonlySet<string> =>
  new Set([
    ...HOP_BY_HOP,
    ...headers.filter(([name]) => name.toLowerCase() === 'connection').flatMap(([, value]) => value.toLowerCase().split(/[\s,]+/)),
  ]);

export interface AppAddress {
  /** the app's own origin, as the browser sees it */
  origin: string;
  port: number;
}

const inside = (port: number): string => `http://localhost:${port}`;

/** The app answers on its own loopback, and is spoken to as there: most refuse a host name that they do not know. */
const localized = (value: string, { origin, port }: AppAddress): string =>
  value === origin || value.startsWith(`${origin}/`) ? inside(port) + value.slice(origin.length) : value;

/** The headers that a request has inside the workspace. */
export function requestHeaders(asked: HeaderList, address: AppAddress): HeaderList {
  const dropped = perHop(asked);
  const passed: HeaderList = [['host', `localhost:${address.port}`]];
  for (const [name, value] of asked) {
    const lower = name.toLowerCase();
    if (lower === 'cookie') {
      const cookies = appCookies(value);
      if (cookies !== '') passed.push([name, cookies]);
    } else if (lower === 'origin' || lower === 'referer') passed.push([name, localized(value, address)]);
    else if (!dropped.has(lower) && !NOT_ASKED.test(lower)) passed.push([name, value]);
  }
  passed.push(['x-gatehouse-origin', address.origin]);
  return passed;
}

/** A `Cookie` header without the service's own. */
function appCookies(header: string): string {
  const cookies = header.split(/;\s*/).filter((cookie) => !cookie.trimStart().toLowerCase().startsWith(OWN_COOKIES));
  return cookies.join('; ');
}

/** The headers that an answer has in the browser. */
export function answerHeaders(answered: HeaderList, address: AppAddress): HeaderList {
  const dropped = perHop(answered);
  const passed: HeaderList = [];
  for (const [name, value] of answered) {
    const lower = name.toLowerCase();
    if (lower === 'set-cookie') {
      const cookie = ownHostCookie(value);
      if (cookie !== null) passed.push([name, cookie]);
    } else if (lower === 'location') passed.push([name, outside(value, address)]);
    else if (!dropped.has(lower) && !NOT_ANSWERED.test(lower)) passed.push([name, value]);
  }
  passed.push(['cache-control', privately(answered)]);
  // Beside what the app says, not in its place: no other page may frame it, no search engine list it.
  passed.push(['content-security-policy', "frame-ancestors 'self'"], ['x-robots-tag', 'noindex']);
  if (!answered.some(([name]) => name.toLowerCase() === 'referrer-policy')) passed.push(['referrer-policy', 'same-origin']);
  return passed;
}

/** A cookie for the app's own host alone; null for one that takes the service's name. */
function ownHostCookie(value: string): string | null {
  if (value.trimStart().toLowerCase().startsWith(OWN_COOKIES)) return null;
  const [pair = '', ...attributes] = value.split(';');
  return [pair, ...attributes.filter((attribute) => !/^\s*domain\s*(?:=|$)/i.test(attribute))].join(';');
}

/** Where a redirect leads: what the app takes for its own address is a path on its host. */
function outside(value: string, { port }: AppAddress): string {
  const found = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)(?=[/?#]|$)(.*)$/is.exec(value);
  if (found?.[1] !== String(port)) return value;
  const rest = found[2] ?? '';
  return rest.startsWith('/') ? rest.replace(/^\/+/, '/') : `/${rest}`;
}

/** What the browser may keep; caches that others share, nothing. */
function privately(answered: HeaderList): string {
  const said = answered
    .filter(([name]) => name.toLowerCase() === 'cache-control')
    .flatMap(([, value]) => value.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '' && !/^(?:public|private|s-maxage\b|proxy-revalidate|no-cache="|stale-)/i.test(each));
  return ['private', ...said].join(', ');
}
