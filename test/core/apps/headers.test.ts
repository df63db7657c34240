import { describe, expect, test } from 'vitest';
import { answerHeaders, requestHeaders, type HeaderList } from '../../../core/apps/headers.ts';

const address = { origin: 'https://api--x.apps.example.net', port: 5173 };
const asked = (...headers: HeaderList) => requestHeaders(headers, address);
const answered = (...headers: HeaderList) => answerHeaders(headers, address).filter(([name]) => !ADDED.has(name));
const ADDED = new Set(['cache-control', 'content-security-policy', 'x-robots-tag', 'referrer-policy']);

describe('a request to an app', () => {
  test('is spoken as on its own loopback: host, origin and referrer', () => {
    expect(asked(['Origin', address.origin], ['Referer', `${address.origin}/a?b`], ['Host', 'api--x.apps.example.net'])).toEqual([
      ['host', 'localhost:5173'],
      ['Origin', 'http://localhost:5173'],
      ['Referer', 'http://localhost:5173/a?b'],
      ['x-gatehouse-origin', address.origin],
    ]);
    expect(asked(['Origin', 'https://api--x.apps.example.net.evil.test'])[1]).toEqual([
      'Origin',
      'https://api--x.apps.example.net.evil.test',
    ]);
  });

  test('leaves out what concerns one hop, what proxies say, and the service’s own cookies', () => {
    const passed = asked(
      ['Connection', 'keep-alive, X-Once'],
      ['X-Once', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['TE', 'trailers'],
      ['CF-Connecting-IP', '192.0.2.1'],
      ['X-Forwarded-For', '192.0.2.1'],
      ['Gatehouse-Facts', '{}'],
      ['Cookie', 'a=1; __Host-gatehouse-app=secret; __host-gatehouse=secret; b=2'],
      ['Accept', '*/*'],
    );
    expect(passed.slice(1, -1)).toEqual([
      ['Cookie', 'a=1; b=2'],
      ['Accept', '*/*'],
    ]);
  });
});

describe('an answer of an app', () => {
  test('sets cookies for its own host alone, and none by the service’s name', () => {
    expect(
      answered(
        ['Set-Cookie', 'a=1; Domain=.apps.example.net; Path=/'],
        ['Set-Cookie', ' __Host-Gatehouse-App=x'],
        ['Set-Cookie', 'b=2; domain=x'],
      ),
    ).toEqual([
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'b=2'],
    ]);
  });

  test.each([
    ['http://localhost:5173/next?a#b', '/next?a#b'],
    ['http://127.0.0.1:5173', '/'],
    ['http://localhost:5173//evil.test/x', '/evil.test/x'],
    ['http://localhost:5174/other', 'http://localhost:5174/other'],
    ['https://elsewhere.test/', 'https://elsewhere.test/'],
    ['/relative', '/relative'],
  ])('that leads to %s leads to %s', (value, led) => expect(answered(['Location', value])).toEqual([['Location', led]]));

  test('can’t speak for the service, and is kept by no shared cache', () => {
    expect(answered(['Gatehouse-Refusal', 'away'], ['Strict-Transport-Security', 'max-age=1'], ['CDN-Cache-Control', 'public'])).toEqual(
      [],
    );
    const cache = (value: string) => answerHeaders([['Cache-Control', value]], address).find(([name]) => name === 'cache-control')?.[1];
    expect(cache('public, max-age=60, s-maxage=600')).toBe('private, max-age=60');
    expect(cache('no-store')).toBe('private, no-store');
    expect(answerHeaders([], address)).toContainEqual(['cache-control', 'private']);
  });

  test('says beside its own rules that no other page frames it', () => {
    const rules = answerHeaders([['Content-Security-Policy', 'default-src *']], address).filter(([name]) => /content-security/i.test(name));
    expect(rules.map(([, value]) => value)).toEqual(['default-src *', "frame-ancestors 'self'"]);
  });
});
