import { describe, expect, test } from 'vitest';
import { claimAt, rolesGiven, told } from './claims.ts';

const paths = {
  name: 'name',
  email: 'email',
  groups: 'groups' as string | null,
  roles: 'realm_access.roles' as string | null,
  externalId: 'sub',
};
const config = { claims: paths, roles: [] };
const hundred = Array.from({ length: 100 }, (_, index) => `group-${index}`);

test('a claim is found by its whole name first, then along the dots, and never in what all objects have', () => {
  expect(claimAt({ 'https://acme.example/roles': ['a'] }, 'https://acme.example/roles')).toEqual(['a']);
  expect(claimAt({ realm_access: { roles: ['a'] } }, 'realm_access.roles')).toEqual(['a']);
  expect(claimAt({ a: {} }, 'a.constructor')).toBeUndefined();
  expect(claimAt({ a: 'text' }, 'a.length')).toBeUndefined();
});

describe('what a token tells', () => {
  test('names, addresses and values are brought into form', () => {
    const claims = {
      sub: 's',
      name: ' Nadia\u0000 New ',
      email: 'Nadia@ACME.com',
      email_verified: 'true',
      groups: 'one',
      realm_access: { roles: ['x', 'x', 7, ''] },
    };
    expect(told(claims, config, 'other')).toEqual({
      ...{ subject: 's', name: 'Nadia  New', email: 'nadia@acme.com', emailVerified: true, externalId: 's' },
      ...{ groups: ['one'], roles: ['x'], warnings: [] },
    });
  });

  test('what is missing is missing, and what is not mapped is left alone', () => {
    expect(told({ sub: 's', email: 'no address' }, config, 'other')).toMatchObject({
      name: null,
      email: null,
      emailVerified: null,
      groups: [],
      roles: [],
    });
    expect(told({ sub: 's', groups: ['a'] }, { claims: { ...paths, groups: null, roles: null }, roles: [] }, 'okta')).toMatchObject({
      groups: null,
      roles: null,
    });
  });

  test.each([
    ['Entra’s overage', { _claim_names: { groups: 'src1' } }, 'entra' as const],
    ['Entra’s flag', { hasgroups: true }, 'entra' as const],
    ['Okta’s silent cut at 100', { groups: hundred }, 'okta' as const],
    ['more than are looked at', { groups: Array.from({ length: 201 }, (_, index) => `g${index}`) }, 'other' as const],
  ])('%s leaves groups alone, and says so', (_name, claims, preset) => {
    const found = told({ sub: 's', ...claims }, config, preset);
    expect(found.groups).toBeNull();
    expect(found.warnings).toHaveLength(1);
  });

  test('a hundred groups of others are a hundred groups', () => {
    expect(told({ sub: 's', groups: hundred }, config, 'keycloak').groups).toHaveLength(100);
  });
});

test('roles are given by what is mapped, each once, and by nothing else', () => {
  const map = [
    { value: 'ops', role: 'auditor' },
    { value: 'dev', role: 'auditor' },
    { value: 'boss', role: 'owner' },
  ];
  expect(rolesGiven(['ops', 'dev', 'owner'], map)).toEqual(['auditor']);
});
