import { describe, expect, test } from 'vitest';
import { madeName, madeNameFault, matchesName, patternFault, type MappingKind } from './group-mapping.ts';

test.each<[MappingKind, string, string, boolean]>([
  ['name', 'Platform', 'platform', true],
  ['name', 'Platform', 'Platform EU', false],
  ['prefix', 'gh-', 'GH-Payments', true],
  ['prefix', 'gh-', 'my-gh-Payments', false],
  ['regex', 'gh-(dev|ops)-.+', 'GH-ops-berlin', true],
  ['regex', 'gh-(dev|ops)', 'gh-dev-berlin', false],
  ['regex', 'a|b', 'ab', false],
  ['regex', '\\p{L}+ Team', 'Zürich Team', true],
])('%s %s and %s: %s', (kind, pattern, name, matches) => {
  expect(matchesName({ kind, pattern }, name)).toBe(matches);
});

describe('a regular expression', () => {
  test.each([
    ['(', 'is no regular expression'],
    ['(a+)+', 'must not repeat a group'],
    ['(?:ab){2}', 'must not repeat a group'],
    ['(a)\\1', 'must not refer back to what matched'],
    ['(?=a)b', 'must not look ahead or behind, nor name groups'],
    ['(?<!a)b', 'must not look ahead or behind, nor name groups'],
    ['(?<team>a)', 'must not look ahead or behind, nor name groups'],
    ['.*.*.*.*x', 'must repeat at most 3 times'],
  ])('%s %s', (pattern, fault) => {
    expect(patternFault({ kind: 'regex', pattern })).toBe(fault);
    expect(matchesName({ kind: 'regex', pattern }, 'a')).toBe(false);
  });

  test.each(['gh-.*', '[a-z)(+]+-team', 'a\\(b\\)+', 'x{2,3}', '(?:dev|ops)-.+', '\\d{2}'])('%s is taken', (pattern) => {
    expect(patternFault({ kind: 'regex', pattern })).toBe(null);
  });
});

test.each<[MappingKind, string, string, string, string | null]>([
  ['prefix', 'gh-', '$1', 'GH-Payments', 'Payments'],
  ['prefix', 'gh-', 'GitHub $1', 'gh-payments', 'GitHub payments'],
  ['prefix', 'gh-', '$1', 'gh-', null],
  ['prefix', 'gh-', '$1', 'my-gh-payments', null],
  ['regex', 'gh-(dev|ops)-(.+)', '$2 ($1)', 'gh-ops-berlin', 'berlin (ops)'],
  ['regex', 'gh-(dev)?-(.+)', '$1$2', 'gh--berlin', null],
  ['regex', '(?:gh|gl)-(.+)', '$1', 'gl-payments', 'payments'],
  ['regex', '(.+)-eu', '$0 people', 'sales-eu', 'sales-eu people'],
  ['name', 'sales', 'Sales people', 'SALES', 'Sales people'],
  ['prefix', 'gh-', '$1', `gh-${'x'.repeat(81)}`, null],
])('%s %s makes %s of %s: %s', (kind, pattern, name, of, made) => {
  expect(madeName({ kind, pattern, name }, of)).toBe(made);
});

test.each<[MappingKind, string, string, string | null]>([
  ['prefix', 'gh-', '$1', null],
  ['prefix', 'gh-', '$2', 'names $2, which the pattern does not have'],
  ['name', 'sales', '$1', 'names $1, which the pattern does not have'],
  ['name', 'sales', 'Sales', 'is the name of the directory’s own group, which is here already'],
  ['prefix', 'gh-', '$0', 'is the name of the directory’s own group, which is here already'],
  ['regex', 'gh-(?:dev|ops)-(.+)', '$1', null],
  ['regex', 'gh-(?:dev|ops)-(.+)', '$2', 'names $2, which the pattern does not have'],
  ['regex', '\\(x\\)-[(](.)', '$1', null],
])('groups by %s %s called %s: %s', (kind, pattern, name, fault) => {
  expect(madeNameFault({ kind, pattern, name })).toBe(fault);
});
