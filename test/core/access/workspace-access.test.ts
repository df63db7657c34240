import { expect, test } from 'vitest';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';

test.each([
  [true, 'admin', 'own'],
  [true, 'use', 'own'],
  [true, 'view', null],
  [true, null, null],
  [false, 'admin', 'join'],
  [false, 'use', null],
  [false, 'view', null],
  [false, null, null],
] as const)('one’s own workspace: %s, role on its template: %s, connects as %s', (mine, role, access) => {
  expect(connectAccess(mine, role)).toBe(access);
});
