import { describe, expect, test } from 'vitest';
import { deviceOf, originOf } from '../../../worker/platform/origin.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const asked = (headers: Record<string, string>, cf: Record<string, unknown> = {}) =>
  new Request('https://gatehouse.test/', { headers, cf } as RequestInit);
const PLACE = { country: 'DE', city: 'Berlin', asn: 64500, asOrganization: 'Example Ltd' };

describe('where a request came from', () => {
  test('deployed: address, device, and the place that the platform says', () => {
    const headers = { 'CF-Connecting-IP': '192.0.2.7', 'User-Agent': FIREFOX };
    expect(originOf(asked(headers, PLACE), 'deployed')).toEqual({
      ...{ ip: '192.0.2.7', userAgent: FIREFOX, browser: 'Firefox 140', os: 'Linux', device: 'desktop' },
      ...{ country: 'DE', city: 'Berlin', asn: 'AS64500 Example Ltd' },
    });
    expect(originOf(asked(headers, { asn: 64501 }), 'deployed')).toMatchObject({ country: null, city: null, asn: 'AS64501' });
  });

  test('on one’s own machine nobody knows the place, whatever the request says', () => {
    const headers = { 'CF-IPCountry': 'FR', 'CF-IPCity': 'Paris', 'X-Forwarded-For': '198.51.100.1' };
    expect(originOf(asked(headers, PLACE), 'local')).toEqual({
      ...{ ip: null, userAgent: null, browser: null, os: null, device: null, country: null, city: null, asn: null },
    });
  });

  test('deployed, too, a header names no place: only the platform does', () => {
    const headers = { 'CF-IPCountry': 'FR', 'CF-IPCity': 'Paris', 'X-Forwarded-For': '198.51.100.1' };
    expect(originOf(asked(headers), 'deployed')).toMatchObject({ ip: null, country: null, city: null, asn: null });
  });

  test('what is too long is cut', () => {
    const { userAgent } = originOf(asked({ 'User-Agent': 'x'.repeat(10_000) }), 'deployed');
    expect(userAgent).toHaveLength(400);
    expect(originOf(asked({}, { city: `a\u0007\n${'x'.repeat(1000)}` }), 'deployed').city).toMatch(/^a {2}x{97}$/);
  });
});

describe('the device', () => {
  test.each([
    [FIREFOX, 'Firefox 140', 'Linux', 'desktop'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
      ...(['Microsoft Edge 141', 'Windows 10', 'desktop'] as const),
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
      ...(['Safari 18', 'iOS 18.6', 'mobile'] as const),
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
      ...(['Chrome 141', 'Android 15', 'mobile'] as const),
    ],
  ] as Array<[string, string, string, string]>)('%s', (userAgent, browser, os, device) => {
    expect(deviceOf(userAgent)).toEqual({ browser, os, device });
  });

  test('a program, and what is no user agent at all, has what it says, and never fails', () => {
    const nothing = { browser: null, os: null, device: null };
    for (const userAgent of ['-', '((((', '$&', '\u0000', 'a'.repeat(400), 'İ'.repeat(50)]) expect(deviceOf(userAgent)).toEqual(nothing);
    expect(deviceOf('Mozilla/5.0 (').os).toBeNull();
    expect(deviceOf('curl/8.5.0').device).toBeNull();
    expect(deviceOf(null)).toEqual(nothing);
  });
});
