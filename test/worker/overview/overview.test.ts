import { UNDERSTOOD } from '@gatehouse/core/api/template-needs.ts';
import { describe, expect, test } from 'vitest';
import { permissionsOf, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { MOST_COUNTED, overview, type Overview } from '@gatehouse/core/api/overview.ts';
import { seenNow } from '../../../worker/directory/people.ts';
import { hasSecondOwner } from '../../../worker/directory/owners.ts';
import { readOverview } from '../../../worker/overview/overview.ts';
import { activeDaysQuery, runnersQuery, stepsQuery, workQueries } from '../../../worker/overview/overview.store.ts';
import type { UserContext } from '../../../worker/platform/context.ts';
import { statement, type Statement } from '../../../worker/platform/tenant-db.ts';
import { addToken, addUser, api, call, mintTenant, read, services, unique, type Person, type Tenant } from '../../support/tenants.ts';
import { insertRunner, insertWorkspace } from '../../support/workspaces.ts';

const DAY_MS = 86_400_000;
const overviewFor = async (person: Pick<Person, 'cookie'>) => read(await api(person).get('/overview'), overview);

/** The use case as somebody with those roles, at that time. */
const readAs = (tenant: Tenant, role: BuiltInRole, now: number): Promise<Overview> =>
  readOverview({
    ...services(),
    ...{ db: tenant.db, now: () => new Date(now), actor: { type: 'user', permissions: permissionsOf([role]) } },
  } as unknown as UserContext);

const change = (tenant: Tenant, sql: string, ...params: unknown[]) => tenant.db.batch([statement(sql, ...params)]);

async function connect(tenant: Tenant, userId: string, ended: string | null = null): Promise<void> {
  await change(
    tenant,
    'INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[tenant.id, unique(), unique(), userId, unique(), new Date().toISOString(), ended],
  );
}

describe('each part is for whoever may see its own page', () => {
  test.each([
    ['owner', { people: true, work: true, runners: true }],
    ['user-admin', { people: true, work: false, runners: false }],
    ['template-admin', { people: true, work: true, runners: true }],
    ['auditor', { people: true, work: true, runners: true }],
    ['member', { people: false, work: false, runners: false }],
  ] as const)('%s', async (role, seen) => {
    const tenant = await mintTenant();
    const found = await overviewFor(await addUser(tenant, role === 'member' ? [] : [role]));
    expect({ people: found.people !== null, work: found.work !== null, runners: found.runners !== null }).toEqual(seen);
  });

  test('a token sees what is within its scopes, and nobody is refused', async () => {
    const tenant = await mintTenant();
    const { secret } = await addToken(tenant, tenant.owner, { scopes: ['runner:read'] });
    const answer = await call('GET', '/overview', { headers: { Authorization: `Bearer ${secret}` } });
    expect(read(answer, overview)).toMatchObject({ people: null, work: null, runners: { online: 0 }, setup: [] });
  });

  test('what is still to be set up is told to whoever may do it, until it is done', async () => {
    const tenant = await mintTenant();
    const steps = async () => (await overviewFor(tenant.owner)).setup;
    expect(await steps()).toEqual(['second-owner', 'second-factor', 'runner', 'template', 'siem']);
    expect((await overviewFor(await addUser(tenant, ['template-admin']))).setup).toEqual(['runner', 'template']);
    expect((await overviewFor(await addUser(tenant, ['auditor']))).setup).toEqual([]);
    // One whose role ends, or who is suspended, is no second owner.
    const second = await addUser(tenant, ['owner']);
    await change(tenant, "UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, second.id);
    expect(await steps()).toContain('second-owner');
    await change(tenant, "UPDATE users SET state = 'active' WHERE tenant_id = ? AND id = ?", tenant.id, second.id);
    await change(tenant, 'UPDATE tenants SET two_factors_required = 1 WHERE tenant_id = ?', tenant.id);
    expect(await readAs(tenant, 'owner', Date.now())).toMatchObject({ setup: ['runner', 'template', 'siem'] });
    const runner = await insertRunner(tenant);
    await insertWorkspace(tenant);
    expect((await readAs(tenant, 'owner', Date.now())).setup).toEqual(['runner', 'siem']);
    await change(tenant, 'UPDATE runners SET confirmed_at = ? WHERE tenant_id = ? AND id = ?', 'x', tenant.id, runner);
    expect((await readAs(tenant, 'owner', Date.now())).setup).toEqual(['siem']);
  });
});

describe('the figures', () => {
  test('whoever was active on several days is one person of the week, and one of each day', async () => {
    const tenant = await mintTenant();
    const begin = Date.now() + 100 * DAY_MS;
    const [ann, ben] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Ben')];
    const seen = (person: Person, day: number) =>
      tenant.db.batch([seenNow(tenant.db, person.id, new Date(begin + day * DAY_MS).toISOString())]);
    for (const day of [0, 1, 1, 20, 26]) await seen(ann, day);
    for (const day of [1, 26, 27]) await seen(ben, day);
    const { people } = await readAs(tenant, 'owner', begin + 27 * DAY_MS);
    expect(people).toMatchObject({ today: 1, week: 2, month: 2 });
    expect(people?.days).toHaveLength(30);
    expect(people?.days.slice(2).map((day) => day.people)).toEqual(
      Array.from({ length: 28 }, (_, day) => ({ 0: 1, 1: 2, 20: 1, 26: 2, 27: 1 })[day] ?? 0),
    );
    expect((await readAs(tenant, 'owner', begin + 33 * DAY_MS)).people).toMatchObject({ today: 0, week: 1, month: 2 });
    expect((await readAs(tenant, 'owner', begin + 60 * DAY_MS)).people).toMatchObject({ today: 0, week: 0, month: 0 });
  });

  test('signing in and founding an organisation count as being active', async () => {
    const tenant = await mintTenant();
    expect((await overviewFor(tenant.owner)).people).toMatchObject({ today: 1, week: 1, month: 1 });
  });

  test('connections and workspaces of this moment, and of nobody else’s organisation', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const ann = await addUser(tenant);
    await connect(tenant, ann.id);
    await connect(tenant, ann.id);
    await connect(tenant, tenant.owner.id);
    await connect(tenant, tenant.owner.id, new Date().toISOString());
    await connect(other, other.owner.id);
    const workspace = await insertWorkspace(tenant);
    await insertWorkspace(tenant);
    await change(
      tenant,
      "UPDATE workspaces SET desired = 'running', phase = 'running' WHERE tenant_id = ? AND id = ?",
      tenant.id,
      workspace,
    );
    expect((await overviewFor(tenant.owner)).work).toEqual({
      connections: { count: 3, more: false },
      connected: { count: 2, more: false },
      running: { count: 1, more: false },
    });
  });

  test('runners by state, and those of an older release', async () => {
    const tenant = await mintTenant();
    const [online, offline, removed] = [await insertRunner(tenant), await insertRunner(tenant), await insertRunner(tenant)];
    await insertRunner(tenant);
    const set = (id: string, what: string) => change(tenant, `UPDATE runners SET ${what} WHERE tenant_id = ? AND id = ?`, tenant.id, id);
    await set(online, `confirmed_at = 'x', online = 1, understands = '${JSON.stringify(UNDERSTOOD)}'`);
    await set(offline, `confirmed_at = 'x', understands = '["parameters"]'`);
    await set(removed, `confirmed_at = 'x', online = 1, deleted_at = 'x'`);
    expect((await overviewFor(tenant.owner)).runners).toEqual({ online: 1, offline: 1, unconfirmed: 1, old: 1 });
  });
});

describe('10,000 people, all of them owners by one group, a year of activity', () => {
  const USERS = 10_000;

  /** The query as D1 runs it, and how many rows it read for that. */
  async function run(query: Statement, prefix = '') {
    const { sql, params } = query.toSQL();
    const d1 = services().shards.get('s0') as D1Database;
    const { results, meta } = await d1
      .prepare(prefix + sql)
      .bind(...params)
      .all<Record<string, unknown>>();
    return { results, rowsRead: meta.rows_read };
  }

  test('each question reads few rows and scans no table', async () => {
    const tenant = await mintTenant();
    const now = new Date();
    const insert = (sql: string, rows: readonly unknown[]) => statement(`${sql} FROM json_each(?2) AS r`, tenant.id, JSON.stringify(rows));
    const ids = Array.from({ length: USERS }, (_, index) => `usr_${index}`);
    await tenant.db.batch([
      insert(
        `INSERT INTO users (tenant_id, id, email, name, state, created_at, last_seen_at)
         SELECT ?1, r.value ->> 0, r.value ->> 0, 'P', 'active', '', r.value ->> 1`,
        ids.map((id, index) => [id, new Date(now.getTime() - (index % 365) * DAY_MS).toISOString()]),
      ),
      insert(`INSERT INTO group_members (tenant_id, group_id, member_type, member_id) SELECT ?1, 'grp', 'user', r.value`, ids),
      statement(
        "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, 'owner', 'group', 'grp', '')",
        ...[tenant.id, unique()],
      ),
      insert(
        `INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at, ended_at)
         SELECT ?1, r.value, 'w', r.value, 's', '', CASE WHEN r.key % 200 = 0 THEN NULL ELSE 'x' END`,
        ids,
      ),
    ]);
    const bounds: Array<[name: string, query: Statement, rows: number]> = [
      ['activity', activeDaysQuery(tenant.db, new Date(now.getTime() - 29 * DAY_MS).toISOString().slice(0, 10)), 60],
      ...workQueries(tenant.db).map((query): [string, Statement, number] => ['work', query, 400]),
      ['runners', runnersQuery(tenant.db), 20],
      ['steps', stepsQuery(tenant.db), 20],
      ['owners', hasSecondOwner(tenant.db), 100],
    ];
    for (const [name, query, rows] of bounds) {
      const plan = (await run(query, 'EXPLAIN QUERY PLAN ')).results.map(({ detail }) => String(detail));
      const scans = plan.filter(
        (line) => /^SCAN /.test(line) && !/^SCAN (holder|owning|field|json_each|CONSTANT ROW|\(subquery|.*subquery)/i.test(line),
      );
      expect(scans, `${name}: ${plan.join('\n')}`).toEqual([]);
      expect((await run(query)).rowsRead, name).toBeLessThanOrEqual(rows);
    }
    const found = await readAs(tenant, 'owner', now.getTime());
    expect(found.people?.days.at(-2)).toMatchObject({ people: 28 });
    expect(found).toMatchObject({ work: { connections: { count: 50, more: false } } });
    expect(found.setup).not.toContain('second-owner');
  });

  test('counting stops at its bound, and says so', async () => {
    const tenant = await mintTenant();
    await change(
      tenant,
      `INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) SELECT ?1, ?1 || i, 'w', i, 's', '' FROM n`,
      ...[tenant.id, MOST_COUNTED + 500],
    );
    const { work } = await readAs(tenant, 'owner', Date.now());
    expect(work).toMatchObject({ connections: { count: MOST_COUNTED, more: true }, connected: { count: MOST_COUNTED, more: true } });
    for (const query of workQueries(tenant.db)) expect((await run(query)).rowsRead).toBeLessThan(3 * MOST_COUNTED + 100);
  });
});
