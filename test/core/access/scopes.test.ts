import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BUILT_IN_ROLES,
  covers,
  PERMISSIONS,
  permissionsOf,
  type BuiltInRole,
  type Permission,
} from '@gatehouse/core/access/permissions.ts';
import { inScope, narrowed, OWN_SCOPES, SCOPES, type OwnScope, type Scope } from '@gatehouse/core/access/scopes.ts';

const scopes = Object.keys(SCOPES) as Scope[];
const permissions = Object.keys(PERMISSIONS) as Permission[];
const own = Object.keys(OWN_SCOPES) as OwnScope[];
const someScopes = fc.subarray(scopes).map((list) => new Set(list));
const someRoles = fc.subarray(Object.keys(BUILT_IN_ROLES) as BuiltInRole[]);

describe('what a token may do', () => {
  test('is exactly what both its scopes and its owner’s roles hold', () => {
    fc.assert(
      fc.property(someScopes, someRoles, (given, roles) => {
        const may = narrowed(permissionsOf(roles), given);
        for (const permission of permissions) {
          const byRole = roles.some((role) => (BUILT_IN_ROLES[role] as readonly string[]).includes(permission));
          const byMembership = (BUILT_IN_ROLES.member as readonly string[]).includes(permission);
          expect(may.has(permission), permission).toBe(given.has(permission) && (byRole || byMembership));
        }
      }),
    );
  });

  test('never grows when a scope or a role is taken away', () => {
    fc.assert(
      fc.property(someScopes, someRoles, fc.nat(), fc.nat(), (given, roles, a, b) => {
        const fewerScopes = new Set([...given].filter((_, index) => index !== a % Math.max(1, given.size)));
        const fewerRoles = roles.filter((_, index) => index !== b % Math.max(1, roles.length));
        const before = narrowed(permissionsOf(roles), given);
        const after = narrowed(permissionsOf(fewerRoles), fewerScopes);
        expect([...after].filter((permission) => !before.has(permission))).toEqual([]);
        expect(own.filter((scope) => inScope(fewerScopes, scope) && !inScope(given, scope))).toEqual([]);
      }),
    );
  });

  test('is nothing without scopes', () => {
    expect([...narrowed(permissionsOf(['owner']), new Set())]).toEqual([]);
    expect(own.filter((scope) => inScope(new Set(), scope))).toEqual([]);
  });

  test('has no bounds of its own in a session', () => {
    expect(own.every((scope) => inScope(null, scope))).toBe(true);
  });
});

describe('who stands above whom', () => {
  test('is everybody who may all that the other may', () => {
    fc.assert(
      fc.property(someRoles, someRoles, (mine, theirs) => {
        const held = permissionsOf(mine);
        expect(covers(held, theirs)).toBe([...permissionsOf(theirs)].every((permission) => held.has(permission)));
      }),
    );
  });
});
