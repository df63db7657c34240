import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network as it is kept: `192.0.2.0/24`, `2001:db8::/32`; a bare address is a network of one. Null for what is none. */
export function networkFrom(text: string): string | null {
  try {
    const [address, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : alone(text);
    if (address.kind() === 'ipv6') return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`;
    // ipaddr.js also reads `127.1` and `0x7f.0.0.1`; what looks odd is not what somebody meant.
    if (!ipaddr.IPv4.isValidFourPartDecimal(text.split('/')[0] ?? '')) return null;
    return `${ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`;
  } catch {
    return null;
  }
}

function alone(text: string): [Address, number] {
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Whether an address lies in one of the networks. An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) counts as IPv4. */
export function inNetworks(ip: string | null, networks: readonly string[]): boolean {
  if (ip === null || !ipaddr.isValid(ip)) return false;
  const address = ipaddr.process(ip);
  return networks.some((network) => {
    const [range, bits] = ipaddr.parseCIDR(network);
    return range.kind() === address.kind() && address.match([range, bits] as never);
  });
}
