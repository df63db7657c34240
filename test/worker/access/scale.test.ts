import { beforeAll, describe, expect, test } from 'vitest';
import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import { reviewList } from '@gatehouse/core/api/access.ts';
import { templateList } from '@gatehouse/core/api/templates.ts';
import { rolesOf } from '../../../worker/directory/roles.ts';
import type { UserContext } from '../../../worker/platform/context.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { templatesQuery, type TemplatePage } from '../../../worker/workspaces/templates.store.ts';
import { addUser, api, mintTenant, read, services, type Person, type Tenant } from '../../support/tenants.ts';

const USERS = 10_000;
const GROUPS = 500;
const TEMPLATES = 1_000;

const contextOf = (tenant: Tenant, person: Person): UserContext =>
  ({ ...services(), db: tenant.db, actor: { type: 'user', id: person.id, permissions: permissionsOf([]) } }) as unknown as UserContext;

/** The query as D1 runs it, and how many rows it read for that. */
async function run(ctx: UserContext, page: Partial<TemplatePage> = {}, prefix = '') {
  const { sql, params } = templatesQuery(ctx, { limit: 100, after: null, ...page }).toSQL();
  const d1 = services().shards.get('s0') as D1Database;
  const { results, meta } = await d1
    .prepare(prefix + sql)
    .bind(...params)
    .all<Record<string, unknown>>();
  return { results, rowsRead: meta.rows_read };
}

const json = (count: number, row: (index: number) => unknown) => JSON.stringify(Array.from({ length: count }, (_, index) => row(index)));
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';
const idOf = (prefix: string, index: number) =>
  `${prefix}_${[...index.toString(32).padStart(26, '0')].map((digit) => LETTERS[Number.parseInt(digit, 32)]).join('')}`;

/**
 * Fills a tenant: groups nest five deep, each person is in three of them, each template is open to two groups, and every
 * tenth to one person.
 */
async function fill(tenant: Tenant): Promise<void> {
  const now = new Date().toISOString();
  const insert = (sql: string, rows: string) => statement(`${sql} FROM json_each(?3) AS r`, tenant.id, now, rows);
  await tenant.db.batch([
    insert(
      `INSERT INTO users (tenant_id, id, email, name, state, created_at) SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, 'active', ?2`,
      json(USERS, (index) => [idOf('usr', index), `p${index}@scale.test`, `Person ${index}`]),
    ),
    insert(
      `INSERT INTO groups (tenant_id, id, name, source, created_at) SELECT ?1, r.value ->> 0, r.value ->> 1, 'local', ?2`,
      json(GROUPS, (index) => [idOf('grp', index), `Group ${index}`]),
    ),
    statement(
      `INSERT INTO group_members (tenant_id, group_id, member_type, member_id) SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2 FROM json_each(?2) AS r`,
      tenant.id,
      JSON.stringify([
        // Four hundred of them stand inside another: chains of five.
        ...Array.from({ length: GROUPS }, (_, index) => index)
          .filter((index) => index % 5 !== 0)
          .map((index) => [idOf('grp', index - 1), 'group', idOf('grp', index)]),
        ...Array.from({ length: USERS }, (_, index) =>
          [index, index * 7 + 1, index * 13 + 2].map((group) => [idOf('grp', group % GROUPS), 'user', idOf('usr', index)]),
        ).flat(),
      ]),
    ),
    insert(
      `INSERT INTO templates (tenant_id, id, name, description, icon, version_id, revision, acl_revision, created_at)
       SELECT ?1, r.value ->> 0, r.value ->> 1, '', 'code', r.value ->> 2, 1, 1, ?2`,
      json(TEMPLATES, (index) => [idOf('tpl', index), `template-${String(index).padStart(4, '0')}`, idOf('tpv', index)]),
    ),
    insert(
      `INSERT INTO template_versions (tenant_id, id, template_id, number, spec, created_by, created_at)
       SELECT ?1, r.value ->> 0, r.value ->> 1, 1, '{}', 'x', ?2`,
      json(TEMPLATES, (index) => [idOf('tpv', index), idOf('tpl', index)]),
    ),
    insert(
      `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, created_at, created_by)
       SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, ?2, 'x'`,
      JSON.stringify(
        Array.from({ length: TEMPLATES }, (_, index) => [
          [idOf('tpl', index), 'group', idOf('grp', index % GROUPS), 'use'],
          [idOf('tpl', index), 'group', idOf('grp', (index * 3 + 1) % GROUPS), 'view'],
          ...(index % 10 === 0 ? [[idOf('tpl', index), 'user', idOf('usr', index), 'admin']] : []),
        ]).flat(),
      ),
    ),
  ]);
}

describe('10,000 people, 500 nested groups, 1,000 templates', () => {
  let tenant: Tenant;
  let pat: Person;
  let lone: Person;
  beforeAll(async () => {
    tenant = await mintTenant();
    await fill(tenant);
    pat = await addUser(tenant, [], 'Pat');
    lone = await addUser(tenant, [], 'Lone');
    const member = (group: number) =>
      statement(
        "INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, 'user', ?)",
        ...[tenant.id, idOf('grp', group), pat.id],
      );
    await tenant.db.batch([member(4), member(104)]);
  }, 60_000);

  test('the templates that somebody can use come by one statement that scans no table', async () => {
    const { results } = await run(contextOf(tenant, pat), {}, 'EXPLAIN QUERY PLAN ');
    const plan = results.map(({ detail }) => String(detail));
    const scans = plan.filter(
      (line) => /^SCAN /.test(line) && !/^SCAN (subject|granted|chosen|CONSTANT ROW|\d+ CONSTANT ROWS?)\b/.test(line),
    );
    expect(scans, plan.join('\n')).toEqual([]);
  });

  test('the rows it reads grow with what is returned, not with the tenant', async () => {
    const found = await run(contextOf(tenant, pat));
    // Five groups up each of two chains, two templates for `use` and some for `view` with each group.
    expect(found.results.length).toBeGreaterThanOrEqual(20);
    expect(found.results.length).toBeLessThan(60);
    expect(found.rowsRead).toBeLessThan(30 * found.results.length);
    const nothing = await run(contextOf(tenant, lone));
    expect(nothing.results).toEqual([]);
    expect(nothing.rowsRead).toBeLessThan(20);
  });

  test('whoever asks anything is asked about by what they are in, not by what the tenant has', async () => {
    const who = statement('SELECT id FROM users WHERE tenant_id = ? AND id = ?', tenant.id, pat.id);
    const { sql, params } = rolesOf(tenant.id, who, new Date().toISOString()).toSQL();
    const d1 = services().shards.get('s0') as D1Database;
    const ask = (prefix = '') =>
      d1
        .prepare(prefix + sql)
        .bind(...params)
        .all<Record<string, unknown>>();
    const plan = (await ask('EXPLAIN QUERY PLAN ')).results.map(({ detail }) => String(detail));
    expect(
      plan.filter((line) => /^SCAN /.test(line) && !/^SCAN (membership|held)\b/.test(line)),
      plan.join('\n'),
    ).toEqual([]);
    const { results, meta } = await ask();
    // Nobody has given the groups a role: what is read are the ten groups that Pat is in, and no other membership.
    expect(results).toEqual([]);
    expect(meta.rows_read).toBeLessThan(100);
  });

  test('the page answers the same, in pages', async () => {
    const all = read(await api(pat).get('/templates?limit=100&may=use'), templateList).items.map(({ name }) => name);
    expect(all.length).toBeGreaterThanOrEqual(20);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: { items: Array<{ name: string }>; nextCursor: string | null } = read(
        await api(pat).get(`/templates?limit=7&may=use${cursor ? `&cursor=${cursor}` : ''}`),
        templateList,
      );
      paged.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(all);
    expect(read(await api(pat).get('/templates?q=ATE-0004'), templateList).items.map(({ name }) => name)).toEqual(['template-0004']);
  });

  test('a page of the access review is answered', async () => {
    const { items, nextCursor } = read(await api(tenant.owner).get('/access/review?limit=100'), reviewList);
    expect(items).toHaveLength(100);
    expect(nextCursor).not.toBeNull();
  });
});
