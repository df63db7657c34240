import { describe, expect, test } from 'vitest';
import { reviewList, type ReviewRow } from '@gatehouse/core/api/access.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { inHours, insertGroup, makeTemplate, writeAcl } from '../../support/access.ts';
import { addUser, api, eventOfAnswer, mintTenant, read, type Person } from '../../support/tenants.ts';

/** The whole review, page by page. */
async function reviewed(person: Person, query = '', limit = 2): Promise<ReviewRow[]> {
  const rows: ReviewRow[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer = await api(person).get(`/access/review?limit=${limit}${query}${cursor ? `&cursor=${cursor}` : ''}`);
    const page: { items: ReviewRow[]; nextCursor: string | null } = read(answer, reviewList);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    rows.push(...page.items);
    cursor = page.nextCursor;
  }
  return rows;
}
const short = (rows: ReviewRow[]) => rows.map(({ template, user, role }) => [template.name, user.name, role]);

/** Two templates, four people, one group; names in the order of the review. */
async function makeScene() {
  const tenant = await mintTenant();
  const [ann, ben] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Ben')];
  const cyd = await addUser(tenant, ['auditor'], 'Cyd');
  const inner = await insertGroup(tenant, 'Night', [{ type: 'user', id: ben.id }]);
  const outer = await insertGroup(tenant, 'Payments', [{ type: 'group', id: inner }]);
  const [alpha, beta] = [await makeTemplate(tenant, 'alpha'), await makeTemplate(tenant, 'beta')];
  const until = inHours(8);
  await writeAcl(tenant, alpha, [
    { subject: { type: 'group', id: outer }, role: 'use' },
    { subject: { type: 'user', id: ann.id }, role: 'use', expiresAt: until },
  ]);
  await writeAcl(tenant, beta, [
    { subject: { type: 'everyone' }, role: 'view' },
    { subject: { type: 'user', id: ben.id }, role: 'admin' },
  ]);
  return { tenant, ann, ben, cyd, inner, outer, alpha, beta, until };
}

describe('the access review', () => {
  test('says of every template who can do what, and by which ways, whatever the size of the page', async () => {
    const { tenant, cyd, until } = await makeScene();
    const owner = tenant.owner.name;
    const all = [
      ['alpha', owner, 'admin'],
      ['alpha', 'Ann', 'use'],
      ['alpha', 'Ben', 'use'],
      ['beta', owner, 'admin'],
      ['beta', 'Ann', 'view'],
      ['beta', 'Ben', 'admin'],
      ['beta', 'Cyd', 'view'],
    ];
    for (const limit of [1, 2, 3, 100]) expect(short(await reviewed(cyd, '', limit))).toEqual(all);
    const rows = await reviewed(cyd);
    expect(rows[1]).toMatchObject({ until, paths: [{ groups: [], by: { kind: 'entry', subject: 'user' } }] });
    expect(rows[2]?.paths.map(({ groups }) => groups.map(({ name }) => name))).toEqual([['Night', 'Payments']]);
    expect(rows[0]?.paths).toMatchObject([{ by: { kind: 'role', role: 'owner', name: 'Owner' } }]);
  });

  test('is narrowed by template, person, group and role, alone and together', async () => {
    const { tenant, cyd, ben, outer, alpha } = await makeScene();
    const of = async (query: string, limit = 1) => short(await reviewed(cyd, query, limit));
    expect(await of(`&templateId=${alpha}`)).toHaveLength(3);
    expect(await of(`&userId=${ben.id}`)).toEqual([
      ['alpha', 'Ben', 'use'],
      ['beta', 'Ben', 'admin'],
    ]);
    expect(await of(`&groupId=${outer}`)).toEqual([
      ['alpha', 'Ben', 'use'],
      ['beta', 'Ben', 'admin'],
    ]);
    expect(await of('&role=view')).toEqual([
      ['beta', 'Ann', 'view'],
      ['beta', 'Cyd', 'view'],
    ]);
    expect(await of(`&role=use&groupId=${outer}`)).toEqual([['alpha', 'Ben', 'use']]);
    expect(await of(`&userId=${tenant.owner.id}&role=use`)).toEqual([]);
  });

  test('lists nobody who is suspended, and nothing that has ended', async () => {
    const { tenant, ann, ben, cyd, alpha } = await makeScene();
    await tenant.db.batch([
      statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, ben.id),
      statement(
        "UPDATE template_acl SET expires_at = '2020-01-01T00:00:00.000Z' WHERE tenant_id = ? AND subject_id = ?",
        tenant.id,
        ann.id,
      ),
    ]);
    expect(short(await reviewed(cyd, `&templateId=${alpha}`))).toEqual([['alpha', tenant.owner.name, 'admin']]);
  });
});

describe('its export', () => {
  test('has every row with its ways, is an event, and runs no formula', async () => {
    const { tenant, cyd } = await makeScene();
    const night = await insertGroup(tenant, '@night', [{ type: 'user', id: (await addUser(tenant, [], '=HYPERLINK("http://evil")')).id }]);
    await writeAcl(tenant, await makeTemplate(tenant, 'gamma'), [{ subject: { type: 'group', id: night }, role: 'use' }]);
    const answer = await api(cyd).get('/access/review.csv');
    expect(answer.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    const lines = String(answer.body).trimEnd().split('\r\n');
    expect(lines[0]).toBe('"Template","Person","E-mail","Role","Until (UTC)","Why"');
    // alpha: 3, beta: 5 (everyone sees it), gamma: 2
    expect(lines).toHaveLength(1 + 3 + 5 + 2);
    expect(lines.find((line) => line.includes('"Ben"') && line.includes('alpha'))).toContain('"Night > Payments: use"');
    const hostile = lines.filter((line) => line.includes('HYPERLINK'));
    expect(hostile).toHaveLength(2);
    for (const line of hostile) expect(line).toContain(`"'=HYPERLINK(""http://evil"")"`);
    expect(lines.at(-1)).toContain(`"'@night: use"`);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'access.export', outcome: 'success', actor: { id: cyd.id } });
  });

  test('is narrowed as the page is, and the event says by what', async () => {
    const { tenant, cyd, alpha } = await makeScene();
    const answer = await api(cyd).get(`/access/review.csv?templateId=${alpha}&role=use`);
    expect(String(answer.body).trimEnd().split('\r\n')).toHaveLength(3);
    expect((await eventOfAnswer(tenant, answer))?.details).toEqual({ templateId: alpha, role: 'use' });
  });
});
