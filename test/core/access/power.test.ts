import { expect, test } from 'vitest';
import { BUILT_IN_ROLES, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { givenDetails, givenIn, powersAmong, powersOf, POWERS } from '@gatehouse/core/access/power.ts';

test('of the built-in roles, those of owners and of user admins have power over access', () => {
  const mighty = (Object.keys(BUILT_IN_ROLES) as BuiltInRole[]).filter((role) => powersOf([role]).length > 0);
  expect(mighty).toEqual(['owner', 'user-admin']);
});

test('it is what the roles hold together, and the scopes of a token alike', () => {
  expect(powersOf(['auditor'], [{ permissions: ['user:read', 'role:assign'] }])).toEqual(['role:assign']);
  expect(powersAmong(['workspace:run-own', 'group:update', 'group:update'])).toEqual(['group:update']);
  expect(powersAmong(Object.keys(POWERS))).toEqual(Object.keys(POWERS));
});

test('what an event carries is read as it was said', () => {
  const through = (power: ReturnType<typeof powersAmong>, self: boolean) => givenIn(givenDetails({ power, self }));
  expect(through(['role:assign', 'role:update'], false)).toEqual({ power: true, self: false });
  expect(through([], true)).toEqual({ power: false, self: true });
  expect(givenDetails({ power: [], self: false })).toEqual({});
});
