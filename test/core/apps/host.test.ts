import { describe, expect, test } from 'vitest';
import { appLabel, doubledApp, templateApp } from '../../../core/api/template-apps.ts';
import { appHost, parseAppHost, portOfLabel } from '../../../core/apps/host.ts';

const ID = 'wsp_01m856tm29e6frrs5mmr9m5rhs';
const DOMAIN = 'apps.example.net';

describe('the host name of an app', () => {
  test.each([
    ['API Server', 'api-server'],
    ['code-server', 'code-server'],
    ['Übersicht & Zähler', 'ubersicht-zahler'],
    ['a--b', 'a-b'],
    ['8080', 'app-8080'],
    ['xn', 'app-xn'],
    ['文档', 'app'],
    ['an app with a name that is far too long', 'an-app-with-a-name-that-is-far'],
  ])('of “%s” begins with %s', (name, label) => {
    expect(appLabel(name)).toBe(label);
    const host = appHost({ label, workspaceId: ID }, DOMAIN);
    expect(host.split('.')[0]?.length).toBeLessThanOrEqual(63);
    expect(parseAppHost(host, DOMAIN)).toEqual({ label, workspaceId: ID });
  });

  test.each([
    DOMAIN,
    `api.${DOMAIN}`,
    `api--01m856tm29e6frrs5mmr9m5rhs.${DOMAIN}.evil.test`,
    `api--01m856tm29e6frrs5mmr9m5rh.${DOMAIN}`,
    `--01m856tm29e6frrs5mmr9m5rhs.${DOMAIN}`,
    `a.b--01m856tm29e6frrs5mmr9m5rhs.${DOMAIN}`,
    `a--b--01m856tm29e6frrs5mmr9m5rhs.${DOMAIN}`,
    `api--01m856tm29e6frrs5mmr9m5rhs.x${DOMAIN}`,
  ])('is not %s', (host) => expect(parseAppHost(host, DOMAIN)).toBeNull());

  test('has the port of the domain, where that has one', () => {
    expect(appHost({ label: '8000', workspaceId: ID }, 'localhost:8787')).toBe('8000--01m856tm29e6frrs5mmr9m5rhs.localhost:8787');
  });
});

test('a label of digits is a port that a workspace may open', () => {
  expect(['8000', '65535', '1024', '1023', '65536', '08000', '80', 'api'].map(portOfLabel)).toEqual([
    8000,
    65535,
    1024,
    null,
    null,
    null,
    null,
    null,
  ]);
});

test('an app of an older version has no command and is its owner’s; the second of one name or port is found', () => {
  const old = templateApp.parse({ name: 'api', port: 8000 });
  expect(old).toEqual({ name: 'api', port: 8000, command: '', icon: 'globe', share: 'owner' });
  expect(doubledApp([old, { ...old, name: 'other' }])).toBe(1);
  expect(doubledApp([old, { ...old, name: 'API', port: 8001 }])).toBe(1);
  expect(doubledApp([old, { ...old, name: 'other', port: 8001 }])).toBe(-1);
});
