import { describe, expect, test } from 'vitest';
import { matchesName, patternFault, type MappingKind } from './group-mapping.ts';

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
