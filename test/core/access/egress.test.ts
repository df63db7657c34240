import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allowsHost,
  allowsRepository,
  intersectGit,
  intersectHosts,
  normalHost,
  normalHostPattern,
  normalRepository,
  normalRepositoryPattern,
  reduceHosts,
} from '@gatehouse/core/access/egress.ts';
import { placeOf } from '@gatehouse/core/access/networks.ts';

const PATTERNS = ['a.example', '*.a.example', 'b.a.example', 'b.a.example:443', '*.a.example:8443', 'a.example:80', 'c.example:22'];
const PLACES = ['a.example', 'b.a.example', 'x.b.a.example', 'c.example', 'ba.example'].flatMap((host) =>
  [22, 80, 443, 8443].map((port) => [host, port] as const),
);

describe('hosts', () => {
  test.each([
    ['Registry.NPMjs.org', 'registry.npmjs.org'],
    ['a.example.', 'a.example'],
    ['127.0.0.1', null],
    ['2130706433', null],
    ['0x7f000001', null],
    ['0177.0.0.1', null],
    ['127.1', null],
    ['1.0x1', null],
    ['[::1]', null],
    ['localhost', null],
    ['db.localhost', null],
    ['-a.example', null],
    ['a..example', null],
    ['a_b.example', null],
    ['', null],
  ])('%j is %j', (text, host) => {
    expect(normalHost(text)).toBe(host);
  });

  test.each([
    ['*.PyPI.org', '*.pypi.org'],
    ['a.example:8443', 'a.example:8443'],
    ['*.example', null],
    ['*', null],
    ['a.*.example', null],
    ['a.example:0', null],
    ['a.example:65536', null],
    ['https://a.example', null],
    ['a.example/path', null],
  ])('the pattern %j is %j', (text, pattern) => {
    expect(normalHostPattern(text)).toBe(pattern);
  });

  test('without a port, both of the web are meant; a wildcard is all below a name and not the name', () => {
    expect([80, 443, 8443].map((port) => allowsHost(['a.example'], 'a.example', port))).toEqual([true, true, false]);
    expect(['a.example', 'b.a.example', 'c.b.a.example', 'xa.example'].map((host) => allowsHost(['*.a.example'], host, 443))).toEqual([
      ...[false, true, true, false],
    ]);
  });

  test('what two lists share is what both allow, and a reduced list allows the same', () => {
    const list = fc.subarray(PATTERNS);
    fc.assert(
      fc.property(list, list, fc.constantFrom(...PLACES), (a, b, [host, port]) => {
        expect(allowsHost(intersectHosts(a, b), host, port)).toBe(allowsHost(a, host, port) && allowsHost(b, host, port));
        expect(allowsHost(reduceHosts(a), host, port)).toBe(allowsHost(a, host, port));
      }),
    );
  });
});

describe('repositories', () => {
  test.each([
    ['https://G.example/acme/app.git', 'https://g.example/acme/app'],
    ['https://g.example:8443/a/b/', 'https://g.example:8443/a/b'],
    ['https://g.example:443/a/b', 'https://g.example/a/b'],
    ['http://127.0.0.1:3000/a', 'http://127.0.0.1:3000/a'],
    ['http://g.example/a/b', null],
    ['https://me@g.example/a/b', null],
    ['https://10.0.0.1/a/b', null],
    ['https://g.example/a/../b', null],
    ['https://g.example/a/%2e%2e/b', null],
    ['https://g.example/a//b', null],
    ['https://g.example/a?b', null],
    ['https://g.example/', null],
    ['git@g.example:a/b', null],
  ])('%j is %j', (text, repository) => {
    expect(normalRepository(text)).toBe(repository);
  });

  test.each([
    ['https://g.example/acme/*', 'https://g.example/acme/*'],
    ['https://g.example/*', 'https://g.example/*'],
    ['https://*/acme/app', null],
    ['https://g.example/*/app', null],
    ['*', null],
  ])('the pattern %j is %j', (text, pattern) => {
    expect(normalRepositoryPattern(text)).toBe(pattern);
  });

  test('what two lists share is what both allow', () => {
    const patterns = [
      'https://g.example/*',
      'https://g.example/a/*',
      'https://g.example/a/b',
      'https://h.example/a/b',
      'https://g.example/ab',
    ];
    const asked = [
      'https://g.example/a/b',
      'https://g.example/a/c',
      'https://g.example/ab',
      'https://h.example/a/b',
      'https://h.example/a/c',
    ];
    const list = fc.subarray(patterns);
    fc.assert(
      fc.property(list, list, fc.constantFrom(...asked), (a, b, repository) => {
        const { fetch } = intersectGit({ fetch: a, push: [] }, { fetch: b, push: [] });
        expect(allowsRepository(fetch, repository)).toBe(allowsRepository(a, repository) && allowsRepository(b, repository));
      }),
    );
  });
});

test.each([
  ['93.184.216.34', 'public'],
  ['2606:2800:220:1::1', 'public'],
  ['10.1.2.3', 'private'],
  ['100.64.0.9', 'private'],
  ['fd12::1', 'private'],
  ['127.8.8.8', 'machine'],
  ['::1', 'machine'],
  ['::ffff:127.0.0.1', 'machine'],
  ['169.254.169.254', 'never'],
  ['fd00:ec2::254', 'never'],
  ['100.100.100.200', 'never'],
  ['0.0.0.0', 'never'],
  ['224.0.0.1', 'never'],
  ['64:ff9b::7f00:1', 'never'],
  ['2002:7f00:1::', 'never'],
  ['nonsense', 'never'],
])('%s is a %s place', (address, place) => {
  expect(placeOf(address)).toBe(place);
});
