import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ancestors, descendants, type GroupEdge } from '@gatehouse/core/access/groups.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import { compareWorlds, gains, type AccessChange, type HeldRole, type OpenConnection, type World } from '@gatehouse/core/access/preview.ts';
import {
  effectiveTemplateRole,
  groupClosure,
  isInForce,
  TEMPLATE_ROLES,
  type AclEntry,
  type Membership,
} from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';

const NOW = '2026-11-26T20:00:00.000Z';
const USERS = ['u0', 'u1', 'u2', 'u3'];
const TEMPLATES = ['t0', 't1'];
/** in the order in which the product tells them */
const SOME_PERMISSIONS: Permission[] = ['user:read', 'template:admin', 'audit:read'];

/** A world as plain lists, and what anybody can do in it, made out the slow and obvious way. */
interface Plain {
  memberships: Membership[];
  entries: Array<AclEntry & { template: string }>;
  assignments: HeldRole[];
  roles: Array<{ name: string; permissions: Permission[] }>;
}
const worldOf = ({ memberships, entries, assignments, roles }: Plain): World => ({
  nesting: memberships.filter(({ memberType, expiresAt }) => memberType === 'group' && isInForce(expiresAt, NOW)),
  groupsOf: new Map(
    USERS.map((user) => [
      user,
      memberships
        .filter(({ memberType, memberId, expiresAt }) => memberType === 'user' && memberId === user && isInForce(expiresAt, NOW))
        .map(({ groupId }) => groupId),
    ]),
  ),
  entries: new Map(TEMPLATES.map((template) => [template, entries.filter((entry) => entry.template === template)])),
  assignments,
  roles: new Map(roles.map(({ name, permissions }) => [name, new Set(permissions)])),
});
const closureOf = ({ memberships }: Plain, userId: string) => groupClosure(userId, memberships, NOW);
const may = (plain: Plain, userId: string, permission: Permission) =>
  plain.assignments.some(
    ({ role, subject: { type, id } }) =>
      (type === 'user' ? id === userId : closureOf(plain, userId).has(id)) &&
      plain.roles.some(({ name, permissions }) => name === role && permissions.includes(permission)),
  );
const rules = (plain: Plain, userId: string) => may(plain, userId, 'template:admin');
const roleIn = (plain: Plain, userId: string, template: string) =>
  effectiveTemplateRole(
    plain.entries.filter((entry) => entry.template === template),
    { userId, groups: closureOf(plain, userId), adminOfAll: rules(plain, userId) },
    NOW,
  );

const id = (prefix: string, count: number) => fc.integer({ min: 0, max: count - 1 }).map((number) => `${prefix}${number}`);
const subject = fc.oneof(
  fc.record({ type: fc.constant('user' as const), id: id('u', 4) }),
  fc.record({ type: fc.constant('group' as const), id: id('g', 5) }),
);
const end = fc.constantFrom(null, NOW, '2027-01-01T00:00:00.000Z');
const plainWorld: fc.Arbitrary<Plain> = fc.record({
  memberships: fc.array(
    fc
      .record({ groupId: id('g', 5), member: subject, expiresAt: end })
      .map(({ groupId, member, expiresAt }) => ({ groupId, memberType: member.type, memberId: member.id, expiresAt })),
    { maxLength: 12 },
  ),
  entries: fc.array(
    fc.record({
      template: id('t', 2),
      subject: fc.oneof(subject, fc.constant({ type: 'everyone' as const })),
      role: fc.constantFrom(...TEMPLATE_ROLES),
      expiresAt: end,
    }),
    { maxLength: 8 },
  ),
  assignments: fc.array(fc.record({ role: fc.constantFrom('r0', 'r1', 'gone'), subject }), { maxLength: 4 }),
  roles: fc
    .tuple(...['r0', 'r1'].map((name) => fc.record({ name: fc.constant(name), permissions: fc.subarray(SOME_PERMISSIONS) })))
    .map((each) => [...each]),
});
const connections: OpenConnection[] = USERS.flatMap((userId) =>
  TEMPLATES.flatMap((templateId) => [true, false].map((mine) => ({ id: `${userId}${templateId}${mine}`, userId, templateId, mine }))),
);

describe('what a change would change', () => {
  test('is what a slow model says of both worlds', () => {
    fc.assert(
      fc.property(plainWorld, plainWorld, (before, after) => {
        const { changes, permissions, ending } = compareWorlds(
          worldOf(before),
          worldOf(after),
          { people: USERS, templates: TEMPLATES, connections },
          NOW,
        );
        const expected = USERS.flatMap((userId): AccessChange[] => {
          const [ruled, ruling] = [rules(before, userId), rules(after, userId)];
          if (ruled && ruling) return [];
          if (ruled !== ruling) return [{ userId, templateId: null, before: ruled ? 'admin' : null, after: ruling ? 'admin' : null }];
          return TEMPLATES.map((templateId) => ({
            ...{ userId, templateId, before: roleIn(before, userId, templateId), after: roleIn(after, userId, templateId) },
          })).filter((change) => change.before !== change.after);
        });
        expect(changes).toEqual(expected);
        expect(permissions).toEqual(
          USERS.map((userId) => {
            const differs = (one: Plain, other: Plain) =>
              SOME_PERMISSIONS.filter((each) => may(one, userId, each) && !may(other, userId, each));
            return { userId, gained: differs(after, before), lost: differs(before, after) };
          }).filter(({ gained, lost }) => gained.length + lost.length > 0),
        );
        const opens = (plain: Plain, { userId, templateId, mine }: OpenConnection) =>
          connectAccess(mine, roleIn(plain, userId, templateId)) !== null;
        expect(ending).toEqual(connections.filter((connection) => opens(before, connection) && !opens(after, connection)));
      }),
      { numRuns: 300 },
    );
  });

  test('nothing, where nothing is changed', () => {
    fc.assert(
      fc.property(plainWorld, (plain) => {
        const among = { people: USERS, templates: TEMPLATES, connections };
        expect(compareWorlds(worldOf(plain), worldOf(plain), among, NOW)).toEqual({ changes: [], permissions: [], ending: [] });
      }),
    );
  });

  test('more is a gain, less is none', () => {
    expect(gains({ before: null, after: 'view' })).toBe(true);
    expect(gains({ before: 'admin', after: 'use' })).toBe(false);
    expect(gains({ before: 'view', after: null })).toBe(false);
  });

  test('groups above and inside a group, circles included', () => {
    const edge = (groupId: string, memberId: string): GroupEdge => ({ groupId, memberId });
    const nesting = [edge('all', 'eng'), edge('eng', 'night'), edge('night', 'eng'), edge('other', 'x')];
    expect([...ancestors('night', nesting)].sort()).toEqual(['all', 'eng', 'night']);
    expect([...descendants(['all'], nesting)].sort()).toEqual(['all', 'eng', 'night']);
  });
});
