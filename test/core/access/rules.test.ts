import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILT_IN_ROLES, PERMISSIONS, type Permission } from '@gatehouse/core/access/permissions.ts';
import { can, holderOf, indexAssignments, templateRoleOf } from '@gatehouse/core/access/rules.ts';
import { narrowed } from '@gatehouse/core/access/scopes.ts';
import { groupClosure, indexMemberships, TEMPLATE_ROLES, type Membership } from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import { hasRole, isIn, may, templateRole, type World } from './reference.ts';
import { AFTER, GROUPS, NOW, permission, USERS, world } from './worlds.ts';

const ALL = Object.keys(PERMISSIONS) as Permission[];

const rulesOf = ({ memberships, assignments, roles }: World) => ({
  memberships: indexMemberships(memberships),
  assignments: indexAssignments(assignments),
  roles: new Map(roles.map(({ name, permissions }) => [name, new Set(permissions)])),
});
/** Everything that one person may in a world, as the product says. */
function standing(each: World, userId: string, now = NOW) {
  const holder = holderOf(userId, rulesOf(each), now);
  const role = templateRoleOf(holder, each.entries, now);
  const may = new Set(ALL.filter((asked) => can(holder, asked)));
  return { ...holder, may, role, connects: { own: connectAccess(true, role), others: connectAccess(false, role) } };
}
const rank = (role: ReturnType<typeof templateRole>) => (role === null ? -1 : TEMPLATE_ROLES.indexOf(role));

describe('the rules agree with the reference', () => {
  test('groups, nested up to six deep and by more than one way', () => {
    fc.assert(
      fc.property(world, (each) => {
        for (const userId of USERS) {
          const expected = GROUPS.filter((groupId) => isIn(each, userId, groupId, NOW)).sort();
          expect([...groupClosure(userId, each.memberships, NOW)].sort()).toEqual(expected);
          expect([...groupClosure(userId, indexMemberships(each.memberships), NOW)].sort()).toEqual(expected);
        }
      }),
    );
  });

  test('roles through groups and until they end, and what they may', () => {
    fc.assert(
      fc.property(world, (each) => {
        for (const userId of USERS) {
          const { roles, ...holder } = standing(each, userId);
          for (const name of each.roles.map((role) => role.name)) expect(roles.has(name), name).toBe(hasRole(each, userId, name, NOW));
          for (const asked of ALL) expect(can(holder, asked), asked).toBe(may(each, userId, asked, NOW));
        }
      }),
    );
  });

  test('the role on a template, and how it connects', () => {
    fc.assert(
      fc.property(world, (each) => {
        for (const userId of USERS) {
          const { role, connects } = standing(each, userId);
          const expected = templateRole(each, userId, NOW);
          expect(role).toBe(expected);
          expect(connects.own !== null).toBe(rank(expected) >= rank('use'));
          expect(connects.others !== null).toBe(expected === 'admin');
        }
      }),
    );
  });

  test('a token may what its scopes and its owner have in common', () => {
    fc.assert(
      fc.property(world, fc.array(permission), (each, scopes) => {
        for (const userId of USERS) {
          const held = new Set(ALL.filter((asked) => can(standing(each, userId), asked)));
          const token = { permissions: narrowed(held, new Set(scopes)) };
          for (const asked of ALL) expect(can(token, asked), asked).toBe(scopes.includes(asked) && may(each, userId, asked, NOW));
        }
      }),
    );
  });
});

describe('expiry', () => {
  const entry = (expiresAt: string | null) => ({ subject: { type: 'everyone' as const }, role: 'use' as const, expiresAt });
  const with_ = (expiresAt: string | null): World => ({
    memberships: [{ groupId: 'grp_a', memberType: 'user', memberId: 'usr_a', expiresAt }],
    assignments: [{ role: 'owner', subject: { type: 'user', id: 'usr_a' }, expiresAt }],
    roles: [{ name: 'owner', permissions: ['audit:read'] }],
    entries: [entry(expiresAt)],
  });

  test.each([
    ['for good', null, true],
    ['a millisecond from now', AFTER, true],
    ['at this very moment', NOW, false],
  ])('%s', (_words, expiresAt, holds) => {
    const { role, roles, groups } = standing(with_(expiresAt), 'usr_a');
    expect([role === 'use', roles.has('owner'), groups.has('grp_a')]).toEqual([holds, holds, holds]);
  });

  test('a group holds nobody through a group that is in it no more', () => {
    const nested = (expiresAt: string | null): World => ({
      ...with_(null),
      memberships: [
        { groupId: 'grp_inner', memberType: 'user', memberId: 'usr_a', expiresAt: null },
        { groupId: 'grp_outer', memberType: 'group', memberId: 'grp_inner', expiresAt },
      ],
    });
    expect([...standing(nested(AFTER), 'usr_a').groups]).toEqual(['grp_inner', 'grp_outer']);
    expect([...standing(nested(NOW), 'usr_a').groups]).toEqual(['grp_inner']);
  });

  test('time alone gives nobody anything', () => {
    fc.assert(
      fc.property(world, (each) => {
        for (const userId of USERS) expectNoGain(standing(each, userId, NOW), standing(each, userId, AFTER));
      }),
    );
  });
});

/** What somebody has after is nothing that they did not have before. */
function expectNoGain(before: ReturnType<typeof standing>, after: ReturnType<typeof standing>): void {
  for (const part of ['groups', 'roles', 'may'] as const)
    expect(
      [...after[part]].filter((each) => !(before[part] as ReadonlySet<string>).has(each)),
      part,
    ).toEqual([]);
  expect(rank(after.role)).toBeLessThanOrEqual(rank(before.role));
  if (before.connects.own === null) expect(after.connects.own).toBeNull();
  if (before.connects.others === null) expect(after.connects.others).toBeNull();
}

describe('monotony: there are no deny entries', () => {
  const parts = ['memberships', 'assignments', 'entries'] as const;

  test.each(parts)('taking one of the %s away gives nobody anything; putting it back takes nothing', (part) => {
    fc.assert(
      fc.property(world, fc.nat(), (each, at) => {
        fc.pre(each[part].length > 0);
        const less: World = { ...each, [part]: each[part].toSpliced(at % each[part].length, 1) };
        for (const userId of USERS) expectNoGain(standing(each, userId), standing(less, userId));
      }),
    );
  });

  test('taking a permission out of a role gives nobody anything', () => {
    fc.assert(
      fc.property(world, fc.nat(), (each, at) => {
        const roles = each.roles.map(({ name, permissions }, index) => ({
          name,
          permissions: index === at % each.roles.length ? permissions.slice(1) : permissions,
        }));
        for (const userId of USERS) expectNoGain(standing(each, userId), standing({ ...each, roles }, userId));
      }),
    );
  });

  test('taking a scope away gives a token nothing', () => {
    fc.assert(
      fc.property(fc.array(permission), fc.array(permission, { minLength: 1 }), fc.nat(), (owned, scopes, at) => {
        const before = narrowed(new Set(owned), new Set(scopes));
        const after = narrowed(new Set(owned), new Set(scopes.toSpliced(at % scopes.length, 1)));
        expect([...after].filter((each) => !before.has(each))).toEqual([]);
      }),
    );
  });
});

describe('the closure of groups', () => {
  test('ends where groups contain each other, as they never should', () => {
    const circle: Membership[] = [
      { groupId: 'a', memberType: 'user', memberId: 'u', expiresAt: null },
      { groupId: 'b', memberType: 'group', memberId: 'a', expiresAt: null },
      { groupId: 'a', memberType: 'group', memberId: 'b', expiresAt: null },
    ];
    expect([...groupClosure('u', circle, NOW)].sort()).toEqual(['a', 'b']);
  });

  test('takes a user and a group of the same id for what they are', () => {
    expect([...groupClosure('x', [{ groupId: 'a', memberType: 'group', memberId: 'x', expiresAt: null }], NOW)]).toEqual([]);
  });

  test('looks at each membership once, however many there are', () => {
    // A ladder of 200 rungs with two ways on each: 2^200 ways up.
    const ladder = Array.from({ length: 200 }, (_, rung) =>
      [0, 1].flatMap((to) =>
        [0, 1].map((from): Membership => ({
          groupId: `${rung + 1}.${to}`,
          memberType: 'group',
          memberId: `${rung}.${from}`,
          expiresAt: null,
        })),
      ),
    ).flat();
    const closure = groupClosure('u', [{ groupId: '0.0', memberType: 'user', memberId: 'u', expiresAt: null }, ...ladder], NOW);
    expect(closure.size).toBe(401);
  });
});

test('built-in roles grant by the same rules', () => {
  const roles = new Map(Object.entries(BUILT_IN_ROLES).map(([name, permissions]) => [name, new Set<Permission>(permissions)]));
  const assignments = [{ role: 'auditor', subject: { type: 'group' as const, id: 'grp_a' }, expiresAt: null }];
  const memberships = indexMemberships([{ groupId: 'grp_a', memberType: 'user', memberId: 'usr_a', expiresAt: null }]);
  const holder = holderOf('usr_a', { memberships, assignments: indexAssignments(assignments), roles }, NOW);
  expect([can(holder, 'audit:read'), can(holder, 'siem:manage'), can(holder, 'workspace:create')]).toEqual([true, false, true]);
});
