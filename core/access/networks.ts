import ipaddr from 'ipaddr.js';

/** Networks as people write them: `10.20.0.0/14`, `2001:db8::/32`, or one address. */

type Cidr = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The network in its normal form (`10.20.0.0/14`); null when the text is none. */
export function normalNetwork(text: string): string | null {
  const parsed = parse(text.trim());
  if (parsed === null) return null;
  const [address, bits] = parsed;
  const first =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${bits}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`);
  return `${first.toString()}/${bits}`;
}

function parse(text: string): Cidr | null {
  // Short and octal forms of IPv4 mean different things to different programs.
  if (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text.split('/')[0] ?? '')) return null;
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    return null;
  }
}

/** Whether an address lies in one of the networks; an address that nobody knows lies in none. */
export function inNetworks(ip: string | null, networks: readonly string[]): boolean {
  const address = ip === null ? null : parse(ip)?.[0];
  return address ? networks.some((network) => contains(network, address)) : false;
}

function contains(network: string, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const cidr = parse(network);
  return cidr !== null && cidr[0].kind() === address.kind() && address.match(cidr as [ipaddr.IPv4, number] & [ipaddr.IPv6, number]);
}

/** What lies in both lists, in normal form, sorted. Two networks meet only where one contains the other. */
export function intersectNetworks(a: readonly string[], b: readonly string[]): string[] {
  const met = a.flatMap((one) => b.flatMap((other) => (within(one, other) ? [one] : within(other, one) ? [other] : [])));
  return reduceNetworks(met);
}

/** Normal forms without those that another one contains, sorted. */
export function reduceNetworks(networks: readonly string[]): string[] {
  const all = [...new Set(networks.flatMap((network) => normalNetwork(network) ?? []))].sort();
  return all.filter((one) => !all.some((other) => other !== one && within(one, other)));
}

function within(inner: string, outer: string): boolean {
  const [small, large] = [parse(inner), parse(outer)];
  return small !== null && large !== null && small[1] >= large[1] && contains(outer, small[0]);
}

/** The network that an attempt is counted for: an IPv4 /24, an IPv6 /64 (one household or office holds many addresses). */
export function networkOf(ip: string | null): string {
  if (ip === null) return 'unknown';
  const v4 = /^(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/i.exec(ip);
  if (v4) return `${v4[1]}.0/24`;
  const [head = '', tail] = ip.toLowerCase().split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/** Where clouds answer with the machine's own credentials, beside 169.254.169.254, which is link-local. */
const METADATA = ['fd00:ec2::254/128', '100.100.100.200/32', '192.0.0.192/32'];

/**
 * What kind of place an address is. `private`: a network that is not the internet; `machine`: this very machine; `never`: what
 * no program has a reason to reach (link-local and metadata services, multicast, addresses inside other addresses).
 */
export function placeOf(ip: string): 'public' | 'private' | 'machine' | 'never' {
  const address = parse(ip)?.[0];
  if (!address || inNetworks(ip, METADATA)) return 'never';
  switch (address.range()) {
    case 'unicast':
      return 'public';
    case 'private':
    case 'carrierGradeNat':
    case 'uniqueLocal':
      return 'private';
    case 'loopback':
      return 'machine';
    default:
      return 'never';
  }
}
