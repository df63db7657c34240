import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainTemplateAccess, MAX_PATHS, type AccessFacts, type ExplainedEntry } from '@gatehouse/core/access/explain.ts';
import { TEMPLATE_ROLES, type Membership } from '@gatehouse/core/access/template-acl.ts';

const NOW = '2026-11-26T20:00:00.000Z';
const PAST = '2026-11-26T19:59:59.999Z';
const LATER = '2026-11-27T20:00:00.000Z';

const inGroup = (groupId: string, memberId: string, memberType: 'user' | 'group' = 'user'): Membership => ({
  groupId,
  memberType,
  memberId,
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
    expect(paths.map(({ role: given, groups }) => [given, groups.join('>')])).toEqual([
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

  test('a tenant-wide role, also through a group, is a way to admin', () => {
    const givenRoles = [
      { id: 'ras_1', role: 'template-admin', administers: true, subject: { type: 'group' as const, id: 'platform' }, expiresAt: LATER },
      { id: 'ras_2', role: 'auditor', administers: false, subject: { type: 'user' as const, id: 'yuki' }, expiresAt: null },
    ];
    const explained = explainTemplateAccess(facts({ memberships: [inGroup('platform', 'yuki')], givenRoles }), NOW);
    expect(explained).toMatchObject({ role: 'admin', paths: [{ groups: ['platform'], by: { kind: 'role', assignmentId: 'ras_1' } }] });
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
  const world = fc.record({
    memberships: fc.array(
      fc.oneof(
        fc.record({ groupId: id('g', 6), memberType: fc.constant('user' as const), memberId: id('u', 3) }),
        fc.record({ groupId: id('g', 6), memberType: fc.constant('group' as const), memberId: id('g', 6) }),
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
        expiresAt: fc.constantFrom(null, PAST, NOW, LATER),
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
          const chain = [{ type: 'user', id: 'u0' }, ...groups.map((group) => ({ type: 'group', id: group }))];
          chain
            .slice(1)
            .forEach((group, index) =>
              expect(memberships).toContainEqual({ groupId: group.id, memberType: chain[index]?.type, memberId: chain[index]?.id }),
            );
          const end = chain.at(-1) ?? { type: '', id: '' };
          expect(
            entries.some(
              ({ subject, role: granted, expiresAt: ends }) =>
                granted === given &&
                ends === expiresAt &&
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
