import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { Settings } from '../platform/env.ts';

/** IPv4 networks that are nobody's public address (IANA special-purpose registry), as first address and prefix length. */
const PRIVATE_V4: ReadonlyArray<readonly [string, number]> = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Names that only mean something inside somebody's network. */
const PRIVATE_SUFFIXES = [
  'localhost',
  'local',
  'internal',
  'intranet',
  'lan',
  'home.arpa',
  'corp',
  'home',
  'localdomain',
  'test',
  'invalid',
  'onion',
  'svc',
  'private',
  'consul',
  'intra',
];

/** Public names that lead to whatever address stands in them, or to loopback. */
const WILDCARD_NAMES = ['nip.io', 'sslip.io', 'xip.io', 'localtest.me', 'lvh.me', 'vcap.me', 'lacolhost.com'];

/** Every address that a destination makes us call, with the field that holds it. */
export const addressesOf = (config: DestinationConfig): Array<{ path: string; url: string }> => [
  { path: 'config.url', url: config.url },
  ...(config.type === 'sentinel' ? [{ path: 'config.authority', url: config.authority }] : []),
];

/**
 * Why an address that a tenant typed may not be fetched by the deployment; null when it may.
 *
 * The URL parser has already brought every notation of an IPv4 address (octal, hexadecimal, one number)
 * into dotted form. A public name that resolves to a private address is left to the platform, which
 * routes nothing into private networks.
 */
export function refusalOf(address: string, { ENVIRONMENT, ORIGIN }: Pick<Settings, 'ENVIRONMENT' | 'ORIGIN'>): string | null {
  if (!URL.canParse(address)) return 'must be an address';
  const url = new URL(address);
  const own = new URL(ORIGIN);
  const host = url.hostname.replace(/\.$/, '').toLowerCase();
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  if (url.hash !== '') return 'must not contain a fragment';
  if (ENVIRONMENT === 'local' && isLoopback(host)) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must begin with https://';
    return isLoopback(own.hostname) && url.port === own.port ? 'must not be Gatehouse itself' : null;
  }
  if (url.protocol !== 'https:') return 'must begin with https://';
  if (host === own.hostname || host.endsWith(`.${own.hostname}`)) return 'must not be Gatehouse itself';
  return isPublic(host) ? null : 'must be a public address';
}

function isPublic(host: string): boolean {
  if (host.startsWith('[')) return isPublicV6(host.slice(1, -1));
  if (/^[\d.]+$/.test(host)) return !PRIVATE_V4.some(([network, length]) => inNetwork(host, network, length));
  const under = (suffix: string) => host === suffix || host.endsWith(`.${suffix}`);
  return host.includes('.') && !PRIVATE_SUFFIXES.some(under) && !WILDCARD_NAMES.some(under);
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (/^[\d.]+$/.test(host) && inNetwork(host, '127.0.0.0', 8));

const numberOf = (address: string): number => address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
const inNetwork = (address: string, network: string, length: number): boolean => {
  const size = 2 ** (32 - length);
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(network) / size);
};

/**
 * Only 2000::/3 is global unicast, so loopback, local, mapped (::ffff:…) and NAT64 addresses fall away
 * by themselves. In it, these lead elsewhere: protocol assignments with Teredo (2001::/23), documentation
 * (2001:db8::/32, 3fff::/20) and 6to4, which wraps an IPv4 address (2002::/16).
 */
function isPublicV6(address: string): boolean {
  const [first = 0, second = 0] = address.split(':').map((part) => Number.parseInt(part || '0', 16));
  if (first < 0x2000 || first > 0x3fff) return false;
  if (first === 0x2002 || (first === 0x3fff && second < 0x1000)) return false;
  return first !== 0x2001 || (second >= 0x200 && second !== 0xdb8);
}
