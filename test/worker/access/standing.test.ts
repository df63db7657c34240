import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { BUILT_IN_ROLES, type Permission } from '@gatehouse/core/access/permissions.ts';
import { holderOf, indexAssignments, templateRoleOf, type RoleAssignment } from '@gatehouse/core/access/rules.ts';
import { indexMemberships, TEMPLATE_ROLES, type AclEntry, type Membership } from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import { findStanding, noteLapses, ofTicket, OPEN, openOf, standingQuery, thoseNamed } from '../../../worker/access/standing.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { Chance } from '../../support/chance.ts';
import { requireTwoFactors } from '../../support/factors.ts';
import { addUser, mintTenant, services, type Tenant } from '../../support/tenants.ts';
import { insertWorkspace } from '../../support/workspaces.ts';

const NOW = '2026-06-01T12:00:00.000Z';
const TIMES = ['2026-06-01T11:59:59.999Z', NOW, '2026-06-01T12:00:00.001Z', '2026-06-01T13:00:00.000Z'];

describe.each([1, 2, 3].map((seed) => env.TEST_SEED || String(seed)))('with SEED=%s', (seed) => {
  test('how connections stand is what the rules say, and when they lapse the earliest end of what names their people', async () => {
    const chance = new Chance(Number(seed));
    const tenant = await mintTenant();
    const people = await Promise.all([1, 2, 3, 4].map(() => addUser(tenant)));
    const groups = Array.from({ length: 8 }, (_, index) => `grp_${seed}_${index}`);
    const workspaces = await Promise.all([1, 2, 3].map(() => insertWorkspace(tenant)));
    const ends = () => (chance.oneIn(2) ? null : chance.pick(TIMES));
    const somebody = () =>
      chance.oneIn(2) ? ({ type: 'user', id: chance.pick(people).id } as const) : ({ type: 'group', id: chance.pick(groups) } as const);

    const memberships = unique(
      Array.from({ length: 16 }, (): Membership => {
        const from = chance.between(0, groups.length - 1);
        const isNested = from > 0 && chance.oneIn(2);
        const memberId = isNested ? (groups[chance.between(0, from - 1)] ?? '') : chance.pick(people).id;
        return { groupId: groups[from] ?? '', memberType: isNested ? 'group' : 'user', memberId, expiresAt: ends() };
      }),
      ({ groupId, memberType, memberId }) => `${groupId} ${memberType} ${memberId}`,
    );
    const assignments = unique(
      Array.from({ length: 3 }, (): RoleAssignment => {
        return { role: chance.pick(['template-admin', 'auditor']), subject: somebody(), expiresAt: ends() };
      }),
      ({ role, subject }) => `${role} ${subject.id}`,
    );
    const entries = workspaces.map(() =>
      unique(
        Array.from({ length: 4 }, (): AclEntry => {
          const subject = chance.oneIn(4) ? ({ type: 'everyone' } as const) : somebody();
          return { subject, role: chance.pick(TEMPLATE_ROLES), expiresAt: ends() };
        }),
        ({ subject }) => JSON.stringify(subject),
      ),
    );
    await store(tenant, { workspaces, memberships, assignments, entries });
    const owners = workspaces.map(() => chance.pick(people));
    await tenant.db.batch(
      workspaces.map((id, index) =>
        statement('UPDATE workspaces SET owner_id = ? WHERE tenant_id = ? AND id = ?', owners[index]?.id, tenant.id, id),
      ),
    );
    const connections = people.flatMap((person) =>
      workspaces.map((workspaceId, index) => ({ id: services().newId('connection'), person, workspaceId, index })),
    );
    await tenant.db.batch([
      statement("UPDATE sessions SET expires_at = '2026-06-01T20:00:00.000Z' WHERE tenant_id = ?", tenant.id),
      ...connections.map(({ id, person, workspaceId }) =>
        statement(
          "INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at) VALUES (?, ?, ?, ?, ?, '')",
          ...[tenant.id, id, workspaceId, person.id, person.sessionId],
        ),
      ),
    ]);

    const roles = new Map(Object.entries(BUILT_IN_ROLES).map(([name, held]) => [name, new Set<Permission>(held)]));
    const rules = { memberships: indexMemberships(memberships), assignments: indexAssignments(assignments), roles };
    const expected = connections.map(({ id, person, index }) => {
      const holder = holderOf(person.id, rules, NOW);
      const role = templateRoleOf(holder, entries[index] ?? [], NOW);
      const theirs = (subject: AclEntry['subject']) =>
        subject.type === 'everyone' || (subject.type === 'user' ? subject.id === person.id : holder.groups.has(subject.id));
      const places = memberships.map(({ memberType, memberId, expiresAt }) => ({ subject: { type: memberType, id: memberId }, expiresAt }));
      const lapsesAt = [...(entries[index] ?? []), ...assignments, ...places]
        .filter(({ subject, expiresAt }) => theirs(subject) && expiresAt !== null && expiresAt > NOW)
        .map(({ expiresAt }) => expiresAt ?? '')
        .concat('2026-06-01T20:00:00.000Z')
        .sort()[0];
      return { connectionId: id, access: connectAccess(owners[index]?.id === person.id, role), lapsesAt };
    });
    const sorted = <T extends { connectionId: string }>(list: T[]) => list.toSorted((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
    const shown = (list: Awaited<ReturnType<typeof findStanding>>) =>
      sorted(list.map(({ connectionId, access, lapsesAt }) => ({ connectionId, access, lapsesAt })));
    expect(shown(await findStanding(tenant.db, OPEN, NOW))).toEqual(sorted(expected));

    const [one] = people;
    const ofOne = expected.filter(({ connectionId }) => connections.some(({ id, person }) => id === connectionId && person === one));
    expect(shown(await findStanding(tenant.db, openOf(JSON.stringify([one?.id])), NOW))).toEqual(sorted(ofOne));
    const named = expected.slice(0, 2);
    expect(shown(await findStanding(tenant.db, thoseNamed(named.map(({ connectionId }) => connectionId)), NOW))).toEqual(sorted(named));
  });
});

const unique = <T>(list: T[], key: (each: T) => string): T[] => [...new Map(list.map((each) => [key(each), each])).values()];

async function store(
  tenant: Tenant,
  all: { workspaces: string[]; memberships: Membership[]; assignments: RoleAssignment[]; entries: AclEntry[][] },
): Promise<void> {
  await tenant.db.batch([
    ...all.memberships.map((each) =>
      statement(
        'INSERT INTO group_members (tenant_id, group_id, member_type, member_id, expires_at) VALUES (?, ?, ?, ?, ?)',
        ...[tenant.id, each.groupId, each.memberType, each.memberId, each.expiresAt],
      ),
    ),
    ...all.assignments.map(({ role, subject, expiresAt }) =>
      statement(
        "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, '')",
        ...[tenant.id, services().newId('roleAssignment'), role, subject.type, subject.id, expiresAt],
      ),
    ),
    ...all.entries.flatMap((list, index) =>
      list.map(({ subject, role, expiresAt }) =>
        statement(
          `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, expires_at, created_at, created_by)
           SELECT ?1, template_id, ?3, ?4, ?5, ?6, '', '' FROM workspaces WHERE tenant_id = ?1 AND id = ?2`,
          ...[tenant.id, all.workspaces[index], subject.type, subject.type === 'everyone' ? '' : subject.id, role, expiresAt],
        ),
      ),
    ),
  ]);
}

test('where two factors are required, nobody stands without a passkey or a confirmed app', async () => {
  const tenant = await mintTenant();
  const people = await Promise.all(['none', 'unconfirmed', 'passkey', 'app'].map(async (has) => ({ has, person: await addUser(tenant) })));
  const workspaceId = await insertWorkspace(tenant);
  const totp = (userId: string, confirmedAt: string | null) =>
    statement(
      "INSERT INTO totp_secrets (tenant_id, user_id, secret, last_step, created_at, confirmed_at) VALUES (?, ?, '', 0, '', ?)",
      ...[tenant.id, userId, confirmedAt],
    );
  const factor = (has: string, userId: string) => {
    if (has === 'none') return [];
    if (has !== 'passkey') return [totp(userId, has === 'app' ? NOW : null)];
    const columns = 'id, user_id, credential_id, public_key, counter, transports, synced, backed_up, name, created_at';
    const row = [tenant.id, services().newId('passkey'), userId, userId];
    return [statement(`INSERT INTO passkeys (tenant_id, ${columns}) VALUES (?, ?, ?, ?, '', 0, '[]', 0, 0, 'Laptop', '')`, ...row)];
  };
  const connections = new Map(people.map(({ has }) => [services().newId('connection'), has]));
  await tenant.db.batch([
    ...people.flatMap(({ has, person }) => factor(has, person.id)),
    ...[...connections].map(([id, has]) => {
      const person = people.find((each) => each.has === has)?.person;
      return statement(
        "INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at) VALUES (?, ?, ?, ?, ?, '')",
        ...[tenant.id, id, workspaceId, person?.id, person?.sessionId],
      );
    }),
  ]);
  const alive = async () =>
    (await findStanding(tenant.db, OPEN, NOW))
      .flatMap(({ connectionId, isAlive }) => (isAlive ? [connections.get(connectionId)] : []))
      .sort();
  expect(await alive()).toEqual(['app', 'none', 'passkey', 'unconfirmed']);
  await requireTwoFactors(tenant);
  expect(await alive()).toEqual(['app', 'passkey']);
});

describe('how it is looked up', () => {
  const cases = { everybody: OPEN, people: openOf('["usr_a"]'), connections: thoseNamed(['con_a']), 'a ticket': ofTicket('hash') };

  test.each(Object.entries(cases))('of %s: by indexes, with no scan of a table', async (_whose, which) => {
    const { db } = await mintTenant();
    const [connections, given] = standingQuery(db, which, NOW);
    for (const query of [connections, given, noteLapses(db, which, NOW)]) {
      const { sql, params } = query.toSQL();
      const plan = await env.SHARD_0.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...params)
        .all<{ detail: string }>();
      const scans = plan.results
        .map(({ detail }) => detail)
        .filter((detail) => /^SCAN (?!subject|standing|membership|held|json_each|CONSTANT|\d)/.test(detail));
      expect(scans).toEqual([]);
    }
  });
});
