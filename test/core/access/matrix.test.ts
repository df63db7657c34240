import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { can } from '@gatehouse/core/access/rules.ts';
import { BUILT_IN_ROLES, PERMISSIONS, permissionsOf, type BuiltInRole, type Permission } from '@gatehouse/core/access/permissions.ts';
import { MATRIX } from './matrix.ts';

const roles = Object.keys(BUILT_IN_ROLES) as BuiltInRole[];
const permissions = Object.keys(PERMISSIONS) as Permission[];
const rows = Object.entries(MATRIX) as Array<[Permission, (typeof MATRIX)[Permission]]>;

test('every permission has its row in test/core/access/matrix.ts, and every row its permission', () => {
  expect(Object.keys(MATRIX).sort()).toEqual([...permissions].sort());
});

test('rows name only roles that exist, and every role stands somewhere', () => {
  const named = new Set(rows.flatMap(([, { may, own = [] }]) => [...may, ...own]));
  expect([...named].sort()).toEqual([...roles].sort());
});

describe.each(rows)('%s', (permission, { may }) => {
  test.each(roles)(`%s`, (role) => {
    expect(can({ permissions: permissionsOf([role]) }, permission)).toBe(may.includes(role));
  });
});

test('two roles together may what one of them may, and no more', () => {
  for (const one of roles)
    for (const other of roles)
      for (const [permission, { may }] of rows)
        expect(permissionsOf([one, other]).has(permission), `${one} and ${other}: ${permission}`).toBe(
          may.includes(one) || may.includes(other),
        );
});

test('a permission that a use case asks for has a probe: a request that shows that it does', () => {
  const asked = new Set(sources().flatMap((text) => permissions.filter((permission) => asksFor(permission).test(text))));
  const unprobed = rows.filter(([permission, { probe }]) => probe === null && asked.has(permission)).map(([permission]) => permission);
  expect(unprobed, 'give these a probe in test/core/access/matrix.ts').toEqual([]);
});

/** `require(ctx, 'x:y', …)` as use cases have it. */
const asksFor = (permission: Permission) => new RegExp(`\\brequire\\(\\s*\\w+,\\s*'${permission}'`);

function sources(): string[] {
  const root = resolve(import.meta.dirname, '../../../worker');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'));
}
