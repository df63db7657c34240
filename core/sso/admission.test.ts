import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admission, pathWithin, type Known } from './admission.ts';

const provider = { id: 'idp_a', name: 'Okta', admission: { rule: 'anybody' as const, groups: [] as string[] } };
const nobody: Known = { identity: null, provisioned: null, holder: null, domain: null };
const nadia = { name: 'Nadia', email: 'nadia@acme.com', emailVerified: null as boolean | null, groups: null as string[] | null };
const holder = { id: 'usr_x', others: false };
const ours = { provider: 'idp_a' };

describe('who is let in', () => {
  test.each<[string, Partial<Known>, Partial<typeof nadia>, object, string]>([
    ['a known account, whatever its address', { identity: 'usr_a', holder }, { email: null as never }, {}, 'enter'],
    ['somebody whom the provider provisioned', { provisioned: 'usr_x', holder }, {}, {}, 'link'],
    ['who has an address of a trusted domain', { holder, domain: ours }, {}, {}, 'link'],
    ['not where the token says that the address is not verified', { holder, domain: ours }, { emailVerified: false }, {}, 'refuse'],
    ['not by an address alone', { holder }, { emailVerified: true }, {}, 'refuse'],
    [
      'not where another provider is trusted with the domain',
      { holder, domain: { provider: 'idp_b' } },
      { emailVerified: true },
      {},
      'refuse',
    ],
    ['not who took over an address of another account', { holder: { id: 'usr_x', others: true }, domain: ours }, {}, {}, 'refuse'],
    ['not even where that person was provisioned', { provisioned: 'usr_x', holder: { id: 'usr_x', others: true } }, {}, {}, 'refuse'],
    ['anybody, where anybody is', {}, {}, {}, 'create'],
    ['nobody without an address', {}, { email: null as never }, {}, 'refuse'],
    ['nobody new of a domain that comes in elsewhere', { domain: { provider: 'idp_b' } }, {}, {}, 'refuse'],
    ['nobody new where the rule says never', {}, {}, { rule: 'never' }, 'refuse'],
    ['who is of the trusted domain', { domain: ours }, {}, { rule: 'domain' }, 'create'],
    ['not who is of no trusted domain', {}, {}, { rule: 'domain' }, 'refuse'],
    ['who is in a group that is let in', {}, { groups: ['a', 'b'] }, { rule: 'groups', groups: ['b'] }, 'create'],
    ['not who is in none of them', {}, { groups: ['a'] }, { rule: 'groups', groups: ['b'] }, 'refuse'],
    ['not whose groups the token left out', {}, { groups: null }, { rule: 'groups', groups: ['b'] }, 'refuse'],
  ])('%s', (_words, known, person, rule, outcome) => {
    const found = admission(
      { ...nadia, ...person },
      { ...nobody, ...known },
      { ...provider, admission: { ...provider.admission, ...rule } },
    );
    expect(found).toMatchObject({ outcome, why: expect.stringMatching(/^[A-Z].*\.$/) });
  });
});

describe('where to go on to', () => {
  test.each(['/', '/templates?q=a%20b#c', '/w/x', '/a.b/..c'])('%s is within', (path) => expect(pathWithin(path)).toBe(path));
  test.each([
    ...['https://evil.example', '//evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', '/.//evil.example'],
    ...['/..//evil.example', '/a/../..//evil', 'javascript:alert(1)', '', 'templates', '/a//b', '/ü', '/a b'],
  ])('%j is not', (path) => expect(pathWithin(path)).toBe('/'));
  test('whatever comes, a browser stays', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('/', '\\', '.', ':', '\t', 'a', '?', '#', '@', '%') }), (text) => {
        expect(new URL(pathWithin(text), 'https://gatehouse.test').origin).toBe('https://gatehouse.test');
      }),
    );
  });
});
