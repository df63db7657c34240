import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { exportedFile, stateOf } from '@gatehouse/core/access/config-state.ts';
import { configLine, type ConfigLine } from '@gatehouse/core/api/config.ts';
import { CONFIG_PARTS } from '../../../worker/access/config.store.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { assignRole, inHours, insertGroup, makeTemplate, writeAcl } from '../../support/access.ts';
import { addToken, addUser, api, call, eventOfAnswer, mintTenant, type Answer, type Tenant } from '../../support/tenants.ts';

const linesOf = (answer: Answer): ConfigLine[] =>
  String(answer.body)
    .trimEnd()
    .split('\n')
    .map((line) => configLine.parse(JSON.parse(line)));
const exported = async (tenant: Tenant) => linesOf(await api(tenant.owner).get('/config/export'));
const yamlOf = (lines: ConfigLine[]) => exportedFile(stateOf(lines), new Date().toISOString());

/** One of each thing that the file has. */
async function makeScene() {
  const tenant = await mintTenant({ slug: `rules-${Math.random().toString(36).slice(2, 10)}` });
  const [ann, ben] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Ben')];
  const inner = await insertGroup(tenant, 'Night', [{ type: 'user', id: ben.id }]);
  const outer = await insertGroup(tenant, 'Payments', [
    { type: 'group', id: inner },
    { type: 'user', id: ann.id },
  ]);
  await api(tenant.owner).put(`/groups/${outer}/managers`, { items: [ann.id] }, { 'If-Match': '"1"' });
  const made = await api(tenant.owner).post('/roles', { name: 'Builder', description: 'Makes them', permissions: ['template:create'] });
  await api(tenant.owner).post('/role-assignments', {
    ...{ role: (made.body as { id: string }).id, subject: { type: 'group', id: outer }, expiresAt: '2999-01-01T00:00:00Z' },
  });
  const template = await makeTemplate(tenant, 'alpha');
  await writeAcl(tenant, template, [
    { subject: { type: 'everyone' }, role: 'view' },
    { subject: { type: 'group', id: outer }, role: 'use', expiresAt: '2999-01-01T00:00:00Z' },
  ]);
  await api(tenant.owner).put(`/templates/${template}/policy`, { values: { upload: 0 } }, { 'If-Match': '"0"' });
  await api(tenant.owner).put('/tenant/policy', { values: { sessionLimit: 480 } }, { 'If-Match': '"0"' });
  return { tenant, ann, ben, inner, outer, template };
}

describe('the export of the rules', () => {
  test('has all of them by name, and is the file', async () => {
    const { tenant, ann, ben } = await makeScene();
    expect(yamlOf(await exported(tenant))).toBe(`version: 1
policy:
  sessionLimit: 480
roles:
  - name: Builder
    description: Makes them
    permissions:
      - template:create
groups:
  - name: Night
    members:
      - user ${ben.email}
  - name: Payments
    managers:
      - ${ann.email}
    members:
      - group Night
      - user ${ann.email}
assignments:
  - role: Builder
    who: group Payments
    expiresAt: 2999-01-01T00:00:00.000Z
  - role: owner
    who: user ${tenant.owner.email}
templates:
  - name: alpha
    access:
      - who: everyone
        role: view
      - who: group Payments
        role: use
        expiresAt: 2999-01-01T00:00:00.000Z
    policy:
      upload: 0
`);
  });

  test('tells each thing’s version, so that a change made meanwhile is not overwritten', async () => {
    const { tenant, outer, template } = await makeScene();
    const { headers: group } = await api(tenant.owner).get(`/groups/${outer}`);
    const { headers: list } = await api(tenant.owner).get(`/templates/${template}/acl`);
    const { headers: policy } = await api(tenant.owner).get(`/templates/${template}/policy`);
    const state = stateOf(await exported(tenant));
    expect(`"${state.groups.get('payments')?.revision}"`).toBe(group.get('ETag'));
    expect(`"${state.templates.get('alpha')?.revision}"`).toBe(list.get('ETag'));
    expect(`"${state.templates.get('alpha')?.policyRevision}"`).toBe(policy.get('ETag'));
    expect(state.policyRevision).toBe(1);
  });

  test('leaves out what has ended, who was deleted, what was granted by request, and service accounts', async () => {
    const { tenant, ann, ben, template } = await makeScene();
    await assignRole(tenant, 'auditor', { type: 'user', id: ben.id }, inHours(-1));
    const robot = await api(tenant.owner).post('/service-accounts', { name: 'robot', roles: ['auditor'] });
    expect(robot.body).toMatchObject({ roles: ['auditor'] });
    await tenant.db.batch([
      statement("UPDATE users SET state = 'deactivated' WHERE tenant_id = ? AND id = ?", tenant.id, ann.id),
      statement(
        `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, grant_id, role, expires_at, created_at, created_by)
         VALUES (?, ?, 'user', ?, 'acr_1', 'use', ?, ?, ?)`,
        ...[tenant.id, template, ben.id, inHours(-1), inHours(-2), tenant.owner.id],
      ),
    ]);
    const yaml = yamlOf(await exported(tenant));
    expect(yaml).not.toContain('auditor');
    expect(yaml).not.toContain(ann.email);
    expect(yaml).not.toContain(`who: user ${ben.email}`);
  });

  test('names the sections that somebody may not see, and with them nobody', async () => {
    const { tenant } = await makeScene();
    const admin = await addUser(tenant, ['template-admin']);
    const lines = linesOf(await api(admin).get('/config/export'));
    expect(lines.filter(({ kind }) => kind === 'withheld')).toEqual([
      { kind: 'withheld', section: 'roles', permission: 'role:read' },
      { kind: 'withheld', section: 'assignments', permission: 'role:read' },
    ]);
    expect(yamlOf(lines).split('\n').slice(0, 3)).toEqual([
      '# Without roles: to see them needs role:read.',
      '# Without assignments: to see them needs role:read.',
      'version: 1',
    ]);
    expect(yamlOf(lines)).not.toContain('Builder');
  });

  test('tells a token that may only review lists neither people nor lists', async () => {
    const { tenant, ann } = await makeScene();
    const { headers } = await addToken(tenant, tenant.owner, { scopes: ['access:review'] });
    const answer = await call('GET', '/config/export', { headers });
    expect(String(answer.body)).not.toContain(ann.email);
    expect(linesOf(answer).map(({ kind }) => kind)).toEqual([...Array<string>(5).fill('withheld'), 'end']);
  });

  test('is an event, which says what was withheld', async () => {
    const { tenant } = await makeScene();
    const admin = await addUser(tenant, ['template-admin']);
    const answer = await api(admin).get('/config/export');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'config.export', outcome: 'success', actor: { id: admin.id }, details: { withheld: 'roles, assignments' } },
    });
  });

  test('of many members goes on from one statement to the next and misses none', async () => {
    const tenant = await mintTenant();
    const group = await insertGroup(tenant, 'Everybody');
    const id = (n: number) => `usr_01m856tm29e6frrs5mm${String(n).padStart(7, '0')}`;
    const many = Array.from({ length: 4500 }, (_, n) => ({ id: id(n), email: `p${n}@${tenant.slug}.test` }));
    await tenant.db.batch([
      statement(
        `INSERT INTO users (tenant_id, id, email, name, state, created_at)
         SELECT ?1, value ->> 'id', value ->> 'email', 'Pat', 'active', '2026-01-01T00:00:00.000Z' FROM json_each(?2)`,
        ...[tenant.id, JSON.stringify(many)],
      ),
      statement(
        "INSERT INTO group_members (tenant_id, group_id, member_type, member_id) SELECT ?1, ?2, 'user', value ->> 'id' FROM json_each(?3)",
        ...[tenant.id, group, JSON.stringify(many)],
      ),
    ]);
    const state = stateOf(await exported(tenant));
    expect(state.config.groups[0]?.members.map(({ who }) => who).sort()).toEqual(many.map(({ email }) => `user ${email}`).sort());
  });

  test('is read along keys: nothing is sorted, and no table is read from its start', async () => {
    const tenant = await mintTenant();
    for (const part of CONFIG_PARTS) {
      const { sql, params } = part.query(tenant.db, new Date().toISOString(), part.start, 2000).toSQL();
      const explained = env.SHARD_0.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params);
      const plan = (await explained.all()).results.map(({ detail }) => String(detail));
      expect(plan.length).toBeGreaterThan(0);
      expect(plan.filter((line) => /^SCAN|TEMP B-TREE/.test(line))).toEqual([]);
    }
  });

  test('that breaks off is no export', async () => {
    const lines = await exported(await mintTenant());
    expect(() => stateOf(lines.slice(0, -1))).toThrow('broke off');
    expect(() => stateOf([...lines.slice(0, 1), ...lines.slice(2)])).toThrow('broke off');
  });
});
