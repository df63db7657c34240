import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inNetworks, normalNetwork } from '@gatehouse/core/access/networks.ts';

describe('a network', () => {
  test.each([
    ['192.0.2.17', '192.0.2.17/32'],
    ['192.0.2.17/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['2001:db8::1/32', '2001:db8::/32'],
  ])('%s is kept as %s', (typed, kept) => {
    expect(normalNetwork(typed)).toBe(kept);
  });

  test.each([
    '',
    'localhost',
    '192.0.2',
    '127.1',
    '0x7f.0.0.1',
    '192.0.2.0/33',
    '192.0.2.0/',
    '2001:db8::/129',
    'x/24',
    '010.0.0.1',
    '192.0.2.0/-1',
  ])('“%s” is none', (typed) => {
    expect(normalNetwork(typed)).toBeNull();
  });

  test.each([
    ['192.0.2.255', ['192.0.2.0/24'], true],
    ['192.0.3.0', ['192.0.2.0/24'], false],
    ['::ffff:192.0.2.9', ['192.0.2.0/24'], true],
    ['2001:db8:1::9', ['10.0.0.0/8', '2001:db8::/32'], true],
    ['2001:db9::9', ['2001:db8::/32'], false],
    ['2001:db8::9', ['0.0.0.0/0'], false],
    ['192.0.2.9', [], false],
    ['not an address', ['0.0.0.0/0'], false],
  ])('%s in %j: %s', (ip, networks, inside) => {
    expect(inNetworks(ip, networks)).toBe(inside);
  });

  test('an unknown address is in none', () => {
    expect(inNetworks(null, ['0.0.0.0/0', '::/0'])).toBe(false);
  });

  test('holds an IPv4 address exactly when the leading bits are the same', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (one, other, bits) => {
        const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
        const head = (ip: string) => Math.floor(number(ip) / 2 ** (32 - bits));
        const network = normalNetwork(`${one}/${bits}`);
        expect(network).not.toBeNull();
        expect(inNetworks(other, [network ?? ''])).toBe(head(one) === head(other));
        expect(inNetworks(one, [network ?? ''])).toBe(true);
      }),
    );
  });
});
