import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainTemplateAccess, MAX_PATHS, type AccessFacts, type ExplainedEntry } from '@gatehouse/core/access/explain.ts';
import { TEMPLATE_ROLES, type Membership } from '@gatehouse/core/access/template-acl.ts';

const NOW = '2026-11-26T20:00:00.000Z';
const PAST = '2026-11-26T19:59:59.999Z';
const LATER = '2026-11-27T20:00:00.000Z';
const EVEN_LATER = '2026-11-28T20:00:00.000Z';

const inGroup = (
  groupId: string,
  memberId: string,
  memberType: 'user' | 'group' = 'user',
  expiresAt: string | null = null,
): Membership => ({
  groupId,
  memberType,
  memberId,
  expiresAt,
});
const entry = (subject: ExplainedEntry['subject'], role: ExplainedEntry['role'], expiresAt: string | null = null): ExplainedEntry => ({
  ...{ subject, role, expiresAt, grantId: null },
});
const facts = (some: Partial<AccessFacts>): AccessFacts => ({
  ...{ userId: 'yuki', active: true, memberships: [], entries: [], givenRoles: [] },
  ...some,
});

describe('why somebody can use a template', () => {
  test('names every way: own entry, each chain of groups, everyone; the mightiest first', () => {
    const { role, paths } = explainTemplateAccess(
      facts({
        memberships: [
          inGroup('night', 'yuki'),
          inGroup('on-call', 'night', 'group'),
          inGroup('payments', 'on-call', 'group'),
          inGroup('payments', 'yuki'),
        ],
        entries: [
          entry({ type: 'everyone' }, 'view'),
          entry({ type: 'user', id: 'yuki' }, 'use', LATER),
          entry({ type: 'group', id: 'payments' }, 'admin'),
          entry({ type: 'group', id: 'strangers' }, 'admin'),
        ],
      }),
      NOW,
    );
    expect(role).toBe('admin');
    expect(paths.map(({ role: given, groups }) => [given, groups.map(({ id }) => id).join('>')])).toEqual([
      ['admin', 'payments'],
      ['admin', 'night>on-call>payments'],
      ['use', ''],
      ['view', ''],
    ]);
  });

  test('an entry counts until its end, not at it, and is then told as ended', () => {
    const ends = (expiresAt: string) => explainTemplateAccess(facts({ entries: [entry({ type: 'everyone' }, 'use', expiresAt)] }), NOW);
    expect(ends(LATER)).toMatchObject({ role: 'use', until: LATER, ended: [] });
    expect(ends(NOW)).toMatchObject({ role: null, paths: [], ended: [{ role: 'use', expiresAt: NOW }] });
    expect(ends(PAST).role).toBeNull();
  });

  test('a role lasts as long as the last of the ways that give it', () => {
    const entries = [entry({ type: 'everyone' }, 'use', LATER), entry({ type: 'user', id: 'yuki' }, 'use')];
    expect(explainTemplateAccess(facts({ entries }), NOW).until).toBeNull();
    expect(explainTemplateAccess(facts({ entries: entries.slice(0, 1) }), NOW).until).toBe(LATER);
  });

  test('a way lasts until the earliest end along it, and is told as ended when one of them has passed', () => {
    const through = (inner: string | null, outer: string | null, given: string | null) =>
      explainTemplateAccess(
        facts({
          memberships: [inGroup('night', 'yuki', 'user', inner), inGroup('on-call', 'night', 'group', outer)],
          entries: [entry({ type: 'group', id: 'on-call' }, 'use', given)],
        }),
        NOW,
      );
    expect(through(null, LATER, null)).toMatchObject({ role: 'use', until: LATER, ended: [] });
    expect(through(LATER, EVEN_LATER, EVEN_LATER).until).toBe(LATER);
    expect(through(EVEN_LATER, null, LATER).paths[0]).toMatchObject({
      expiresAt: LATER,
      groups: [
        { id: 'night', expiresAt: EVEN_LATER },
        { id: 'on-call', expiresAt: null },
      ],
    });
    for (const lapsed of [through(NOW, null, null), through(LATER, PAST, LATER)])
      expect(lapsed).toMatchObject({ role: null, paths: [], ended: [{ role: 'use' }], until: null });
  });

  test('more ways that have ended than anybody reads hide none that counts', () => {
    const many = Array.from({ length: MAX_PATHS + 5 }, (_, index) => `old${index}`);
    const memberships = [
      ...many.flatMap((group) => [inGroup(group, 'yuki', 'user', PAST), inGroup('all', group, 'group')]),
      inGroup('new', 'yuki'),
      inGroup('newer', 'new', 'group'),
      inGroup('all', 'newer', 'group'),
    ];
    const { role, paths } = explainTemplateAccess(facts({ memberships, entries: [entry({ type: 'group', id: 'all' }, 'use')] }), NOW);
    expect(role).toBe('use');
    expect(paths.map(({ groups }) => groups.map(({ id }) => id))).toEqual([['new', 'newer', 'all']]);
  });

  test('a tenant-wide role, also through a group, is a way to admin', () => {
    const givenRoles = [
      { id: 'ras_1', role: 'template-admin', administers: true, subject: { type: 'group' as const, id: 'platform' }, expiresAt: LATER },
      { id: 'ras_2', role: 'auditor', administers: false, subject: { type: 'user' as const, id: 'yuki' }, expiresAt: null },
    ];
    const explained = explainTemplateAccess(facts({ memberships: [inGroup('platform', 'yuki')], givenRoles }), NOW);
    expect(explained).toMatchObject({
      role: 'admin',
      paths: [{ groups: [{ id: 'platform', expiresAt: null }], by: { kind: 'role', assignmentId: 'ras_1' } }],
    });
    expect(explained.paths).toHaveLength(1);
  });

  test('somebody who is not active has nothing, whatever names them', () => {
    const explained = explainTemplateAccess(facts({ active: false, entries: [entry({ type: 'everyone' }, 'admin')] }), NOW);
    expect(explained).toMatchObject({ role: null, paths: [] });
  });

  test('groups in a circle, and more ways than anybody reads, come to an end and leave the role right', () => {
    const layers = Array.from({ length: 12 }, (_, layer) => [`a${layer}`, `b${layer}`]);
    const memberships = [
      ...(layers[0] ?? []).map((group) => inGroup(group, 'yuki')),
      ...layers
        .slice(1)
        .flatMap((layer, below) => layer.flatMap((group) => (layers[below] ?? []).map((inner) => inGroup(group, inner, 'group')))),
      inGroup('a0', 'a11', 'group'),
    ];
    const explained = explainTemplateAccess(facts({ memberships, entries: [entry({ type: 'group', id: 'a11' }, 'use')] }), NOW);
    expect(explained.role).toBe('use');
    expect(explained.paths).toHaveLength(MAX_PATHS);
    expect(explained.truncated).toBe(true);
  });
});

describe('on random groups and lists', () => {
  const id = (prefix: string, count: number) => fc.integer({ min: 0, max: count - 1 }).map((number) => `${prefix}${number}`);
  const end = fc.constantFrom(null, null, PAST, NOW, LATER, EVEN_LATER);
  const world = fc.record({
    memberships: fc.array(
      fc.oneof(
        fc.record({ groupId: id('g', 6), memberType: fc.constant('user' as const), memberId: id('u', 3), expiresAt: end }),
        fc.record({ groupId: id('g', 6), memberType: fc.constant('group' as const), memberId: id('g', 6), expiresAt: end }),
      ),
      { maxLength: 14 },
    ),
    entries: fc.array(
      fc.record({
        subject: fc.oneof(
          fc.constant({ type: 'everyone' as const }),
          id('u', 3).map((userId) => ({ type: 'user' as const, id: userId })),
          id('g', 6).map((groupId) => ({ type: 'group' as const, id: groupId })),
        ),
        role: fc.constantFrom(...TEMPLATE_ROLES),
        expiresAt: end,
        grantId: fc.constant(null),
      }),
      { maxLength: 8 },
    ),
  });

  test('the role is that of the mightiest way, and each way is really there', () => {
    fc.assert(
      fc.property(world, ({ memberships, entries }) => {
        const { role, paths } = explainTemplateAccess(facts({ userId: 'u0', memberships, entries }), NOW);
        expect(role).toBe(paths[0]?.role ?? null);
        for (const { groups, role: given, expiresAt } of paths) {
          const chain = [{ type: 'user', id: 'u0' }, ...groups.map(({ id: group }) => ({ type: 'group', id: group }))];
          groups.forEach((group, index) =>
            expect(memberships).toContainEqual({
              ...{ groupId: group.id, memberType: chain[index]?.type, memberId: chain[index]?.id, expiresAt: group.expiresAt },
            }),
          );
          for (const each of [expiresAt, ...groups.map((group) => group.expiresAt)]) expect(each === null || each > NOW).toBe(true);
          const end = chain.at(-1) ?? { type: '', id: '' };
          expect(
            entries.some(
              ({ subject, role: granted, expiresAt: ends }) =>
                granted === given &&
                [ends, ...groups.map((group) => group.expiresAt)].filter((each) => each !== null).sort()[0] === (expiresAt ?? undefined) &&
                (subject.type === 'everyone' || (subject.type === end.type && subject.id === end.id)),
            ),
          ).toBe(true);
        }
      }),
    );
  });

  test('taking an entry away never gives more', () => {
    const rank = (role: (typeof TEMPLATE_ROLES)[number] | null) => (role === null ? -1 : TEMPLATE_ROLES.indexOf(role));
    fc.assert(
      fc.property(world, fc.nat(), ({ memberships, entries }, at) => {
        const fewer = entries.filter((_, index) => index !== at % Math.max(1, entries.length));
        const of = (list: typeof entries) => explainTemplateAccess(facts({ userId: 'u0', memberships, entries: list }), NOW).role;
        expect(rank(of(fewer))).toBeLessThanOrEqual(rank(of(entries)));
      }),
    );
  });
});
