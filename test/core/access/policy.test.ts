import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowsHost, allowsRepository } from '@gatehouse/core/access/egress.ts';
import { EGRESS_MODES } from '@gatehouse/core/access/egress-modes.ts';
import { inNetworks, intersectNetworks, normalNetwork } from '@gatehouse/core/access/networks.ts';
import {
  atLeastAsStrict,
  FIELDS,
  GRANTED,
  inWords,
  mergePolicy,
  policyValues,
  UNAVAILABLE,
  valuesOf,
  type PolicyValues,
} from '@gatehouse/core/access/policy.ts';
import { DEFAULT_POLICY, POLICY_FIELDS, PORTS, type Policy, type PolicyField } from '@gatehouse/core/access/policy-in-force.ts';

const CIDRS = ['0.0.0.0/0', '10.0.0.0/8', '10.20.0.0/14', '10.20.1.0/24', '192.0.2.0/24', '2001:db8::/32', '2001:db8:1::/48'];
const HOSTS = ['a.example', '*.a.example', 'b.a.example', 'b.a.example:443', 'a.example:8443', 'b.example:80'];
const REPOSITORIES = ['https://g.example/a/*', 'https://g.example/a/b', 'https://g.example/*', 'https://h.example/a/b'];
const ADDRESSES = ['10.20.1.9', '10.21.0.1', '10.99.0.1', '192.0.2.7', '203.0.113.1', '2001:db8:1::5', '2001:db8:2::5'];

/** What one level sets: some fields, as people may have set them. */
const level: fc.Arbitrary<PolicyValues> = fc
  .record(
    {
      browserOnly: fc.constantFrom<'off' | 'on'>('off', 'on'),
      allowedNetworks: fc.subarray(CIDRS, { minLength: 1 }).map((networks) => [...networks]),
      sessionLimit: fc.integer({ min: 15, max: 720 }),
      idleTimeout: fc.integer({ min: 10, max: 120 }),
      stepUp: fc.integer({ min: 1, max: 12 }),
      autoStop: fc.integer({ min: 10, max: 43_200 }),
      unattendedWork: fc.integer({ min: 1, max: 168 }),
      leavers: fc.integer({ min: 1, max: 3650 }),
      upload: fc.integer({ min: 0, max: 100 }),
      download: fc.integer({ min: 0, max: 100 }),
      clipboardOut: fc.integer({ min: 0, max: 1024 }),
      clipboardIn: fc.integer({ min: 0, max: 1024 }),
      ports: fc.constantFrom(...PORTS),
      watermark: fc.constantFrom<'off' | 'on'>('off', 'on'),
      egress: fc.constantFrom(...EGRESS_MODES),
      egressHosts: fc.subarray(HOSTS).map((hosts) => [...hosts]),
      git: fc.record({ fetch: fc.subarray(REPOSITORIES), push: fc.subarray(REPOSITORIES) }),
      recording: fc.constantFrom<'off' | 'on' | 'required'>('off', 'on', 'required'),
    },
    { requiredKeys: [] },
  )
  .map((values) => policyValues.parse(values));

/** What a policy lets happen, asked case by case: the slow and obvious model. */
const CASES: { [F in PolicyField]: (value: Policy[F]) => boolean[] } = {
  browserOnly: (value) => [value === 'off'],
  allowedNetworks: (value) => ADDRESSES.map((ip) => value === null || inNetworks(ip, value)),
  sessionLimit: (value) => [15, 60, 719, 720].map((minutes) => minutes <= value),
  idleTimeout: (value) => [10, 60, 119, 120].map((minutes) => minutes <= value),
  stepUp: (value) => [1, 4, 12].map((hours) => value === null || hours <= value),
  autoStop: (value) => [10, 600, 43_200].map((minutes) => value === null || minutes <= value),
  unattendedWork: (value) => [1, 12, 168].map((hours) => hours <= value),
  leavers: (value) => [1, 30, 3650].map((days) => value === null || days <= value),
  upload: (value) => [1, 50, 100].map((size) => value === null || size <= value),
  download: (value) => [1, 50, 100].map((size) => value === null || size <= value),
  clipboardOut: (value) => [1, 64, 1024].map((size) => value === null || size <= value),
  clipboardIn: (value) => [1, 64, 1024].map((size) => value === null || size <= value),
  ports: (value) => [value !== 'off', value === 'tenant'],
  watermark: (value) => [value === 'off'],
  recording: (value) => [value === 'off', value !== 'required'],
  egress: (value) => [value === 'open', value !== 'none'],
  egressHosts: (value) =>
    ['a.example', 'b.a.example', 'b.example'].flatMap((host) => [80, 443, 8443].map((port) => allowsHost(value, host, port))),
  git: (value) =>
    ['https://g.example/a/b', 'https://g.example/a/c', 'https://h.example/a/b'].flatMap((repository) => [
      allowsRepository(value?.fetch ?? [], repository),
      allowsRepository(value?.push ?? [], repository),
    ]),
};
/** What bounds a field from above: of those that are granted, the default is no bound once a level has set one. */
const floorOf = (field: PolicyField, deployment: PolicyValues, ...below: PolicyValues[]) => {
  const set = setBy(deployment, field);
  if (set !== undefined || !GRANTED.includes(field)) return set ?? DEFAULT_POLICY[field];
  const first = below.map((values) => setBy(values, field)).find((value) => value !== undefined);
  return (
    first ??
    (field === 'egress' && deployment.browserOnly === 'off' && below.every(({ browserOnly }) => browserOnly !== 'on')
      ? 'open'
      : DEFAULT_POLICY[field])
  );
};
const allows = <F extends PolicyField>(field: F, value: Policy[F]): boolean[] => CASES[field](value);
const all = (...answers: boolean[][]): boolean[] => (answers[0] ?? []).map((_, index) => answers.every((each) => each[index]));
const setBy = <F extends PolicyField>(values: PolicyValues, field: F) => values[field] as Policy[F] | undefined;

describe('merging three levels', () => {
  test('allows exactly what the floor, the organisation and the template all allow', () => {
    fc.assert(
      fc.property(level, level, level, (deployment, tenant, template) => {
        const merged = mergePolicy(deployment, tenant, template);
        for (const field of POLICY_FIELDS) {
          const floor = floorOf(field, deployment, tenant, template);
          const sets = [tenant, template].flatMap((values) => {
            const value = setBy(values, field);
            return value === undefined ? [] : [allows(field, value)];
          });
          expect(allows(field, merged[field].value), field).toEqual(all(allows(field, floor), ...sets));
        }
      }),
    );
  });

  test('a level below can make it stricter and never looser', () => {
    fc.assert(
      fc.property(level, level, level, (deployment, tenant, template) => {
        const floor = valuesOf(mergePolicy(deployment, {}));
        const organisation = valuesOf(mergePolicy(deployment, tenant));
        const whole = valuesOf(mergePolicy(deployment, tenant, template));
        // What is granted is granted by the first level that sets it; those below it can only take away.
        const below = Object.fromEntries(
          GRANTED.filter((field) => setBy(deployment, field) === undefined).map((field) => [field, organisation[field]]),
        );
        expect(atLeastAsStrict(organisation, { ...floor, ...below })).toBe(true);
        const last = Object.fromEntries(
          GRANTED.filter((field) => (setBy(deployment, field) ?? setBy(tenant, field)) === undefined).map((field) => [field, whole[field]]),
        );
        expect(atLeastAsStrict(whole, { ...organisation, ...last })).toBe(true);
      }),
    );
  });

  test('each field says which level it comes from, the highest that sets it', () => {
    fc.assert(
      fc.property(level, level, level, (deployment, tenant, template) => {
        const levels = { deployment, tenant, template };
        for (const { field, source, value, overruled } of Object.values(mergePolicy(deployment, tenant, template))) {
          if (source === 'default') expect(value).toEqual(floorOf(field, deployment, tenant, template));
          else expect(setBy(levels[source], field)).toBeDefined();
          for (const each of overruled) expect(setBy(levels[each.level], field)).toEqual(each.value);
          // The levels above it alone give another value.
          if (source === 'tenant' && !GRANTED.includes(field)) expect(mergePolicy(deployment, {})[field].value).not.toEqual(value);
          if (source === 'template' && !GRANTED.includes(field)) expect(mergePolicy(deployment, tenant)[field].value).not.toEqual(value);
        }
      }),
    );
  });

  test('setting the same again below changes nothing', () => {
    fc.assert(
      fc.property(level, (values) => {
        expect(valuesOf(mergePolicy(values, values, values))).toEqual(valuesOf(mergePolicy(values, {})));
      }),
    );
  });

  test('the stricter value wins field by field, and what it overrules is told', () => {
    const merged = mergePolicy({ upload: 50 }, { upload: 20, idleTimeout: 30 }, { upload: 40, watermark: 'on' });
    expect(merged.upload).toEqual({
      field: 'upload',
      value: 20,
      source: 'tenant',
      overruled: [
        { level: 'deployment', value: 50 },
        { level: 'template', value: 40 },
      ],
    });
    expect([merged.idleTimeout.source, merged.watermark.source, merged.browserOnly.source]).toEqual(['tenant', 'template', 'default']);
  });

  test('only the deployment can switch browser-only off', () => {
    expect(mergePolicy({}, { browserOnly: 'off' }, { browserOnly: 'off' }).browserOnly).toMatchObject({ value: 'on', source: 'default' });
    expect(mergePolicy({ browserOnly: 'off' }, {}).browserOnly).toMatchObject({ value: 'off', source: 'deployment' });
    expect(mergePolicy({ browserOnly: 'off' }, { browserOnly: 'on' }).browserOnly).toMatchObject({ value: 'on', source: 'tenant' });
  });
});

describe('egress', () => {
  test('is an allow-list of nothing while workspaces are for browsers only, and open where they are not', () => {
    expect(mergePolicy({}, {}).egress).toMatchObject({ value: 'allow-list', source: 'default' });
    expect(mergePolicy({}, {}).egressHosts.value).toEqual([]);
    expect(mergePolicy({ browserOnly: 'off' }, {}).egress.value).toBe('open');
    expect(mergePolicy({ browserOnly: 'off' }, {}, { browserOnly: 'on' }).egress.value).toBe('allow-list');
  });

  test('goes by whoever sets it first, and can only be made stricter below', () => {
    expect(mergePolicy({}, { egress: 'open' }).egress).toMatchObject({ value: 'open', source: 'tenant' });
    expect(mergePolicy({}, { egress: 'open' }, { egress: 'none' }).egress).toMatchObject({ value: 'none', source: 'template' });
    expect(mergePolicy({}, { egress: 'allow-list' }, { egress: 'open' }).egress.value).toBe('allow-list');
    expect(mergePolicy({ egress: 'none' }, { egress: 'open' }).egress).toMatchObject({ value: 'none', source: 'deployment' });
  });

  test('lists meet where two levels set them; where one does, its list counts', () => {
    const hosts = (tenant: string[] | undefined, template: string[] | undefined) =>
      mergePolicy({}, tenant ? { egressHosts: tenant } : {}, template ? { egressHosts: template } : {}).egressHosts.value;
    expect(hosts(undefined, ['a.example'])).toEqual(['a.example']);
    expect(hosts(['*.a.example', 'b.example'], undefined)).toEqual(['*.a.example', 'b.example']);
    expect(hosts(['*.a.example', 'b.example'], ['c.a.example:443', 'd.example'])).toEqual(['c.a.example:443']);
    expect(hosts([], ['a.example'])).toEqual([]);
  });
});

describe('networks', () => {
  test('meet where one contains the other: an address is in both lists exactly when it is in what they share', () => {
    const list = fc.subarray(CIDRS).map((networks) => [...networks]);
    fc.assert(
      fc.property(list, list, fc.constantFrom(...ADDRESSES), (a, b, ip) => {
        expect(inNetworks(ip, intersectNetworks(a, b))).toBe(inNetworks(ip, a) && inNetworks(ip, b));
      }),
    );
  });

  test.each([
    ['10.20.1.9/14', '10.20.0.0/14'],
    ['203.0.113.7', '203.0.113.7/32'],
    ['2001:DB8::1/32', '2001:db8::/32'],
    ['10.0.0.0/33', null],
    ['10.0.0', null],
    ['somewhere', null],
  ])('%s is written %s', (text, normal) => {
    expect(normalNetwork(text)).toBe(normal);
  });

  test('an IPv4 address that comes in IPv6’s clothes is itself; one that is not known is nowhere', () => {
    expect(inNetworks('::ffff:10.20.1.9', ['10.0.0.0/8'])).toBe(true);
    expect(inNetworks(null, ['0.0.0.0/0'])).toBe(false);
    expect(inNetworks('rubbish', ['0.0.0.0/0'])).toBe(false);
  });
});

describe('what can be set', () => {
  test.each(Object.entries(UNAVAILABLE))('%s can’t, and says why', (field, { reason }) => {
    const { error } = policyValues.safeParse({ [field]: 'on' });
    expect(error?.issues).toMatchObject([{ path: [field], message: reason }]);
  });

  test.each([
    ['browserOnly', 'maybe'],
    ['sessionLimit', 721],
    ['sessionLimit', 0],
    ['idleTimeout', 5],
    ['upload', -1],
    ['download', 101],
    ['clipboardOut', 1025],
    ['clipboardIn', 'block'],
    ['allowedNetworks', []],
    ['allowedNetworks', ['everywhere']],
    ['egress', 'closed'],
    ['egressHosts', ['93.184.216.34']],
    ['egressHosts', ['https://a.example']],
    ['egressHosts', ['*']],
    ['egressHosts', ['*.example']],
    ['git', { fetch: ['http://g.example/a/b'], push: [] }],
    ['git', { fetch: ['https://me:secret@g.example/a/b'], push: [] }],
    ['git', { fetch: ['https://g.example/../b'], push: [] }],
    ['anything', 1],
  ])('%s: %j is refused', (field, value) => {
    expect(policyValues.safeParse({ [field]: value }).success).toBe(false);
  });

  test('every field says what it does, what it refuses and who enforces it', () => {
    for (const field of POLICY_FIELDS) {
      const { says, refuses, enforcedBy } = FIELDS[field];
      expect([says.length > 20, refuses.length > 20, enforcedBy.length > 0]).toEqual([true, true, true]);
    }
  });

  test.each([
    ['upload', 0, 'Blocked'],
    ['upload', 20, 'Up to 20 MB'],
    ['download', null, 'Up to 100 MB'],
    ['clipboardOut', null, 'Any size'],
    ['clipboardOut', 0, 'Internal only'],
    ['clipboardIn', 64, 'Up to 64 KB'],
    ['sessionLimit', 600, '10 h'],
    ['idleTimeout', 45, '45 min'],
    ['autoStop', null, 'Never'],
    ['unattendedWork', 12, '12 h'],
    ['leavers', null, 'Kept'],
    ['leavers', 30, '30 days'],
    ['leavers', 1, '1 day'],
    ['allowedNetworks', ['10.0.0.0/8'], '10.0.0.0/8'],
    ['allowedNetworks', [], 'Nowhere'],
    ['allowedNetworks', null, 'Everywhere'],
    ['egress', 'allow-list', 'Allow-list'],
    ['egressHosts', [], 'None'],
    ['egressHosts', ['a.example', 'b.example', 'c.example'], '3 hosts'],
    ['git', null, 'The template’s own, to fetch'],
    ['git', { fetch: ['https://g.example/a/b'], push: [] }, '1 entry to fetch, none to push'],
  ] as const)('%s %j reads “%s”', (field, value, words) => {
    expect(inWords(field, value as Policy[PolicyField])).toBe(words);
  });
});
