import { describe, expect, test } from 'vitest';
import { groupChange, memberDifference } from '@gatehouse/core/scim/members.ts';
import { normalised } from '@gatehouse/core/scim/normalise.ts';
import { readPatch } from '@gatehouse/core/scim/patch-request.ts';
import { patched } from '@gatehouse/core/scim/patch.ts';
import { personFrom } from '@gatehouse/core/scim/person.ts';
import { ENTERPRISE_SCHEMA, RESOURCE_TYPES } from '@gatehouse/core/scim/schema.ts';

const { User, Group } = RESOURCE_TYPES;
const base = normalised(User, {
  schemas: [],
  id: 'sent along',
  USERNAME: 'babs@corp.test',
  name: { familyName: 'Jensen', givenName: 'Barbara' },
  emails: [
    { value: 'babs@corp.test', type: 'work', primary: 'True' },
    { value: 'babs@home.test', type: 'home' },
  ],
  active: 'True',
  title: 'Engineer',
  [ENTERPRISE_SCHEMA.toUpperCase()]: { department: 'Tools' },
});
const after = (...Operations: unknown[]) => patched(base, readPatch(User, { Operations }));

describe('a resource as it is kept', () => {
  test('has the declared names, true booleans and nothing that only Gatehouse sets', () => {
    expect(base).toEqual({
      userName: 'babs@corp.test',
      name: { familyName: 'Jensen', givenName: 'Barbara' },
      emails: [
        { value: 'babs@corp.test', type: 'work', primary: true },
        { value: 'babs@home.test', type: 'home' },
      ],
      active: true,
      title: 'Engineer',
      [ENTERPRISE_SCHEMA]: { department: 'Tools' },
    });
  });

  test('says who the person is', () => {
    expect(personFrom(base)).toMatchObject({ userName: 'babs@corp.test', name: 'Barbara Jensen', email: 'babs@corp.test', active: true });
    expect(personFrom({ userName: 'x@y.test' })).toMatchObject({ name: 'x@y.test', email: 'x@y.test' });
    expect(() => personFrom({ userName: 'x' })).toThrow('e-mail');
  });
});

/** The shapes that Okta and Entra send, as their own documentation shows them. */
describe('a change of a person', () => {
  test.each<[string, unknown, object]>([
    ['Okta: deactivate, without a path', { op: 'replace', value: { active: false } }, { active: false }],
    ['Okta: id and schemas beside it', { op: 'replace', value: { id: 'x', schemas: [], title: 'Lead' } }, { title: 'Lead' }],
    ['Entra: disable, as text and with a capital', { op: 'Replace', path: 'active', value: 'False' }, { active: false }],
    [
      'Entra: the address of work',
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@corp.test' },
      { emails: [{ value: 'new@corp.test', type: 'work', primary: true }, base['emails'] && (base['emails'] as object[])[1]] },
    ],
    [
      'Entra: an entry that is not there yet',
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+47 1' },
      { phoneNumbers: [{ type: 'mobile', value: '+47 1' }] },
    ],
    [
      'Entra: a primary role, with a boolean as text',
      { op: 'Add', path: 'roles[primary eq "True"].value', value: 'Admin' },
      { roles: [{ primary: true, value: 'Admin' }] },
    ],
    [
      'Entra: dotted names without a path',
      { op: 'replace', value: { 'name.givenName': 'Babs', displayName: 'Babs J' } },
      { name: { familyName: 'Jensen', givenName: 'Babs' }, displayName: 'Babs J' },
    ],
    [
      'Entra: names in any case',
      { op: 'add', path: 'NAME.FAMILYNAME', value: 'Smith' },
      { name: { familyName: 'Smith', givenName: 'Barbara' } },
    ],
    [
      'Entra: a full name of an extension',
      { op: 'Add', path: `${ENTERPRISE_SCHEMA}:department`, value: 'Sales' },
      { [ENTERPRISE_SCHEMA]: { department: 'Sales' } },
    ],
    [
      'Entra: a full name without a path',
      { op: 'Add', value: { [`${ENTERPRISE_SCHEMA}:employeeNumber`]: 7 } },
      { [ENTERPRISE_SCHEMA]: { department: 'Tools', employeeNumber: '7' } },
    ],
    [
      'Entra: a manager as text',
      { op: 'Add', path: `${ENTERPRISE_SCHEMA}:manager`, value: 'usr_1' },
      { [ENTERPRISE_SCHEMA]: { department: 'Tools', manager: { value: 'usr_1' } } },
    ],
    [
      'Entra: remove by value',
      { op: 'Remove', path: 'emails', value: [{ value: 'babs@home.test' }] },
      { emails: [(base['emails'] as object[])[0]] },
    ],
    [
      'a whole extension',
      { op: 'add', path: ENTERPRISE_SCHEMA, value: { division: 'North' } },
      { [ENTERPRISE_SCHEMA]: { department: 'Tools', division: 'North' } },
    ],
    [
      'a new primary entry',
      { op: 'add', path: 'emails', value: { value: 'c@corp.test', primary: true } },
      {
        emails: [
          { value: 'babs@corp.test', type: 'work', primary: false },
          (base['emails'] as object[])[1],
          { value: 'c@corp.test', primary: true },
        ],
      },
    ],
    ['the same again', { op: 'add', path: 'emails', value: [{ type: 'home', value: 'babs@home.test' }] }, {}],
    ['a list anew', { op: 'replace', path: 'emails', value: [{ value: 'only@corp.test' }] }, { emails: [{ value: 'only@corp.test' }] }],
    ['remove of some', { op: 'remove', path: 'emails[type eq "home" or type eq "other"]' }, { emails: [(base['emails'] as object[])[0]] }],
    ['remove of a part', { op: 'remove', path: 'name.givenName' }, { name: { familyName: 'Jensen' } }],
  ])('%s', (_what, operation, changed) => {
    expect(after(operation)).toEqual({ ...base, ...changed });
  });

  test('leaves out what was removed, and the given one as it was', () => {
    expect(after({ op: 'remove', path: 'title' }, { op: 'replace', path: 'nickName', value: '' })).not.toHaveProperty('title');
    expect(after({ op: 'remove', path: `${ENTERPRISE_SCHEMA}:department` })).not.toHaveProperty(ENTERPRISE_SCHEMA);
    expect(base['title']).toBe('Engineer');
  });

  test.each<[string, unknown, string]>([
    ['no entry matches, and none can be made', { op: 'replace', path: 'emails[value co "x"].type', value: 'home' }, 'noTarget'],
    ['the user name must stay', { op: 'remove', path: 'userName' }, 'mutability'],
    ['an unknown part', { op: 'add', path: 'name.nick', value: 'x' }, 'invalidPath'],
    ['brackets after what is no list', { op: 'add', path: 'title[value eq "x"]', value: 'x' }, 'invalidPath'],
    ['a faulty filter', { op: 'remove', path: 'emails[type eq]' }, 'invalidFilter'],
    ['groups are changed at the group', { op: 'add', path: 'groups', value: [{ value: 'grp_1' }] }, 'mutability'],
  ])('%s', (_what, operation, scimType) => {
    expect(() => after(operation)).toThrow(expect.objectContaining({ scimType }));
  });
});

describe('a change of a group', () => {
  const apply = (present: string[], ...Operations: unknown[]) =>
    memberDifference(new Set(present), groupChange(readPatch(Group, { Operations })).steps);
  test.each<[string, string[], unknown[], { add: string[]; remove: string[] }]>([
    [
      'add',
      ['usr_a'],
      [{ op: 'Add', path: 'members', value: [{ $ref: null, value: 'usr_a' }, { value: 'usr_b' }] }],
      { add: ['usr_b'], remove: [] },
    ],
    ['Okta: remove by a filter', ['usr_a', 'usr_b'], [{ op: 'remove', path: 'members[value eq "usr_a"]' }], { add: [], remove: ['usr_a'] }],
    [
      'Entra: remove by value',
      ['usr_a', 'usr_b'],
      [{ op: 'Remove', path: 'members', value: [{ value: 'usr_b' }] }],
      { add: [], remove: ['usr_b'] },
    ],
    [
      'Okta: all anew, without a path',
      ['usr_a', 'usr_b'],
      [{ op: 'replace', value: { members: [{ value: 'usr_b' }, { value: 'usr_c' }] } }],
      { add: ['usr_c'], remove: ['usr_a'] },
    ],
    ['remove all', ['usr_a', 'usr_b'], [{ op: 'remove', path: 'members' }], { add: [], remove: ['usr_a', 'usr_b'] }],
    ['by kind', ['usr_a', 'grp_b'], [{ op: 'remove', path: 'members[type eq "Group"]' }], { add: [], remove: ['grp_b'] }],
    [
      'one after the other',
      ['usr_a'],
      [
        { op: 'remove', path: 'members' },
        { op: 'add', path: 'members', value: { value: 'usr_a' } },
        { op: 'add', value: { members: [{ value: 'usr_b' }] } },
      ],
      { add: ['usr_b'], remove: [] },
    ],
    [
      'the other way round',
      [],
      [
        { op: 'add', path: 'members', value: [{ value: 'usr_a' }] },
        { op: 'remove', path: 'members[value eq "usr_a" or value eq "usr_b"]' },
      ],
      { add: [], remove: [] },
    ],
  ])('%s', (_what, present, operations, expected) => {
    expect(apply(present, ...operations)).toEqual(expected);
  });

  test('Okta names the group with each change of members', () => {
    const change = groupChange(readPatch(Group, { Operations: [{ op: 'replace', value: { id: 'x', displayName: ' Tools ' } }] }));
    expect(change).toEqual({ displayName: 'Tools', steps: [] });
  });
});
