import { describe, expect, test } from 'vitest';
import { enforcementOf, runnerPolicyOf } from '@gatehouse/core/access/enforcement.ts';
import { mergePolicy, POLICY_FIELDS } from '@gatehouse/core/access/policy.ts';

const report = (name: string, ...enforces: string[]) => ({ name, enforces });

describe('whether a field of the runners is enforced', () => {
  test.each([
    ['enforced', [report('a', 'upload', 'download'), report('b', 'upload')], []],
    ['not enforced', [report('a', 'upload'), report('b', 'download')], ['b']],
    ['not enforced', [report('b'), { name: 'c', enforces: null }], ['b']],
    ['unknown', [report('a', 'upload'), { name: 'c', enforces: null }], []],
    ['unknown', [], []],
  ] as const)('%s, as they report', (state, runners, lacking) => {
    expect(enforcementOf('upload', runners)).toEqual({ state, lacking });
  });

  test('is not asked of them where this release itself enforces it', () => {
    for (const field of POLICY_FIELDS.filter((each) => each !== 'upload' && each !== 'download'))
      expect(enforcementOf(field, [])).toEqual({ state: 'enforced', lacking: [] });
  });
});

test('a runner is given what it must enforce, and nothing where nothing is bounded', () => {
  expect(runnerPolicyOf(mergePolicy({}, {}))).toEqual({});
  expect(runnerPolicyOf(mergePolicy({ upload: 50 }, { download: 0, watermark: 'on' }, { upload: 20 }))).toEqual({
    upload: 20,
    download: 0,
  });
});
