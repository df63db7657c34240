import { describe, expect, test } from 'vitest';
import { enforcementOf, networkOf, RUNNER_FIELDS, runnerFieldsOf, runnerPolicyOf } from '@gatehouse/core/access/enforcement.ts';
import { mergePolicy, policyValues } from '@gatehouse/core/access/policy.ts';
import { POLICY_FIELDS } from '@gatehouse/core/access/policy-in-force.ts';

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
    for (const field of POLICY_FIELDS.filter((each) => !RUNNER_FIELDS.some((field) => field === each)))
      expect(enforcementOf(field, [])).toEqual({ state: 'enforced', lacking: [] });
  });
});

test('a runner is given what it must enforce, and nothing where nothing is bounded', () => {
  expect(runnerPolicyOf(mergePolicy({ egress: 'open' }, {}), null)).toEqual({});
  expect(runnerPolicyOf(mergePolicy({}, {}), null)).toEqual({ egress: 'allow-list' });
  expect(runnerPolicyOf(mergePolicy({ upload: 50, egress: 'open' }, { download: 0, watermark: 'on' }, { upload: 20 }), null)).toEqual({
    upload: 20,
    download: 0,
  });
  const clipboard = mergePolicy({ egress: 'open', clipboardOut: 0 }, { clipboardIn: 64 });
  expect(runnerPolicyOf(clipboard, null)).toEqual({ clipboardOut: 0, clipboardIn: 64 });
  expect(runnerFieldsOf(clipboard)).toEqual(['clipboardOut', 'clipboardIn']);
  const key = { id: 'rky_1', publicKey: 'A'.repeat(43) };
  const recorded = mergePolicy({ recording: 'on', egress: 'open' }, {}, { recording: 'required' });
  expect(runnerPolicyOf(recorded, key)).toEqual({ recording: { mode: 'required', key } });
  expect(runnerFieldsOf(recorded)).toEqual(['recording']);
  expect(() => runnerPolicyOf(recorded, null)).toThrow('without a key');
});

describe('what a workspace may reach', () => {
  const resources = [{ name: 'db', host: 'db.example', port: 5432 }];
  const spec = { repository: 'https://g.example/acme/app.git', network: { resources } };

  test('is the hosts and repositories of the policy, and the resources of its template', () => {
    const set = policyValues.parse({ egressHosts: ['a.example'], git: { push: ['https://g.example/acme/*'] } });
    const merged = mergePolicy({}, set);
    const git = { fetch: ['https://g.example/acme/*'], push: ['https://g.example/acme/*'] };
    expect(networkOf(merged, spec)).toEqual({ hosts: ['a.example'], git, resources });
  });

  test('is the template’s own repository, to fetch, where nobody has set any', () => {
    expect(networkOf(mergePolicy({}, {}), spec).git).toEqual({ fetch: ['https://g.example/acme/app'], push: [] });
    expect(networkOf(mergePolicy({}, {}), { ...spec, repository: '' }).git).toEqual({ fetch: [], push: [] });
  });
});
