import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { preview, type Preview, type PreviewBody } from '@gatehouse/core/api/access.ts';
import {
  effectiveTemplateRole,
  groupClosure,
  TEMPLATE_ROLES,
  type AclEntry,
  type Membership,
} from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addMember, assignRole, insertGroup, makeTemplate, writeAcl, type Entry } from '../../support/access.ts';
import { makeGroup, makeRole, putIn, setManagers } from '../../support/groups.ts';
import { makePair } from '../../support/site.ts';
import { insertWorkspace } from '../../support/workspaces.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read, services, type Person, type Tenant } from '../../support/tenants.ts';

const previewOf = async (person: Person, change: PreviewBody): Promise<Preview> =>
  read(await api(person).post('/access/preview', change), preview);
const changesOf = ({ gains, losses }: Preview) =>
  [...gains.items, ...losses.items]
    .map(({ user, template, before, after }) => `${user.id} ${template?.id ?? 'all'} ${before} ${after}`)
    .sort();

/** The whole tenant as lists; what is true of it is made out the slow and obvious way. */
interface Model {
  people: string[];
  /** by person: looking again at open connections closes those without a session */
  sessions: Map<string, string>;
  groups: string[];
  templates: string[];
  memberships: Membership[];
  acl: Map<string, AclEntry[]>;
  rulers: Array<{ id: string; type: 'user' | 'group'; subject: string }>;
  connections: Array<{ userId: string; templateId: string; mine: boolean }>;
}

async function makeModel(tenant: Tenant): Promise<Model> {
  const people = await Promise.all(Array.from({ length: 4 }, () => addUser(tenant)));
  const groups: string[] = [];
  for (let index = 0; index < 4; index++) groups.push(await insertGroup(tenant, `Group ${index}`));
  const templates = [await makeTemplate(tenant), await makeTemplate(tenant)];
  const everybody = [tenant.owner, ...people];
  const sessions = new Map(everybody.map(({ id, sessionId }) => [id, sessionId]));
  return {
    people: everybody.map(({ id }) => id),
    sessions,
    groups,
    templates,
    memberships: [],
    acl: new Map(),
    rulers: [],
    connections: [],
  };
}

const ENDS = [null, '2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'];

/** Fills tenant and model by what fast-check drew: numbers that choose. */
async function fill(tenant: Tenant, model: Model, draws: number[]): Promise<void> {
  let at = 0;
  const pick = <T>(items: readonly T[]): T => items[(draws[at++ % draws.length] ?? 0) % items.length] as T;
  const chance = (outOf: number) => pick(Array.from({ length: outOf }, (_, index) => index)) === 0;
  for (const [index, groupId] of model.groups.entries()) {
    for (const memberId of model.people)
      if (chance(3)) model.memberships.push({ groupId, memberType: 'user', memberId, expiresAt: pick(ENDS) });
    for (const memberId of model.groups.slice(0, index))
      if (chance(3)) model.memberships.push({ groupId, memberType: 'group', memberId, expiresAt: pick(ENDS) });
  }
  if (model.memberships.length > 0)
    await tenant.db.batch([
      ...model.memberships.map(({ groupId, memberType, memberId, expiresAt }) =>
        addMember(tenant, groupId, { type: memberType, id: memberId }, expiresAt),
      ),
    ]);
  if (chance(2)) {
    const group = pick(model.groups);
    model.rulers.push({ id: await assignRole(tenant, 'template-admin', { type: 'group', id: group }), type: 'group', subject: group });
  }
  const subjects: AclEntry['subject'][] = [
    { type: 'everyone' },
    ...model.people.map((id) => ({ type: 'user' as const, id })),
    ...model.groups.map((id) => ({ type: 'group' as const, id })),
  ];
  for (const templateId of model.templates) {
    const entries = subjects
      .filter(() => chance(4))
      .map((subject) => ({
        subject,
        role: pick(TEMPLATE_ROLES),
        expiresAt: pick(ENDS),
      }));
    model.acl.set(templateId, entries);
    await writeAcl(tenant, templateId, entries);
  }
  // Last: whoever may not connect in the end is disconnected when a list changes.
  for (const templateId of model.templates)
    for (const userId of model.people.slice(1)) if (chance(2)) await connect(tenant, model, { userId, templateId, mine: chance(2) });
}

/** An open connection to a workspace from that template, one's own or the owner's. */
async function connect(tenant: Tenant, model: Model, connection: Model['connections'][number]): Promise<void> {
  const workspaceId = await insertWorkspace(tenant);
  await tenant.db.batch([
    statement(
      'UPDATE workspaces SET template_id = ?, owner_id = ? WHERE tenant_id = ? AND id = ?',
      ...[connection.templateId, connection.mine ? connection.userId : tenant.owner.id, tenant.id, workspaceId],
    ),
    statement(
      'INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at) VALUES (?, ?, ?, ?, ?, ?)',
      ...[
        tenant.id,
        services().newId('connection'),
        workspaceId,
        connection.userId,
        model.sessions.get(connection.userId),
        new Date().toISOString(),
      ],
    ),
  ]);
  model.connections.push(connection);
}

const now = () => new Date().toISOString();
const closure = (model: Model, userId: string) => groupClosure(userId, model.memberships, now());
const rules = (model: Model, tenant: Tenant, userId: string) =>
  userId === tenant.owner.id ||
  model.rulers.some(({ type, subject }) => (type === 'user' ? subject === userId : closure(model, userId).has(subject)));
const roleIn = (model: Model, tenant: Tenant, userId: string, templateId: string) =>
  effectiveTemplateRole(
    model.acl.get(templateId) ?? [],
    { userId, groups: closure(model, userId), adminOfAll: rules(model, tenant, userId) },
    now(),
  );

function expected(tenant: Tenant, before: Model, after: Model) {
  const changes = before.people.flatMap((userId) => {
    const [ruled, ruling] = [rules(before, tenant, userId), rules(after, tenant, userId)];
    if (ruled !== ruling) return [`${userId} all ${ruled ? 'admin' : null} ${ruling ? 'admin' : null}`];
    return before.templates.flatMap((id) => {
      const [old, next] = [roleIn(before, tenant, userId, id), roleIn(after, tenant, userId, id)];
      return old === next ? [] : [`${userId} ${id} ${old} ${next}`];
    });
  });
  const opens = (model: Model, { userId, templateId, mine }: Model['connections'][number]) =>
    connectAccess(mine, roleIn(model, tenant, userId, templateId)) !== null;
  return { changes: changes.sort(), ending: before.connections.filter((each) => opens(before, each) && !opens(after, each)).length };
}

/** A change of each kind, and the model after it. */
function changesFor(model: Model): Array<{ change: PreviewBody; after: Model }> {
  const [templateId = '', otherId = ''] = model.templates;
  const [first = '', , third = '', last = ''] = model.groups;
  const [, pat = '', ann = ''] = model.people;
  const items: Entry[] = [...(model.acl.get(otherId) ?? [])];
  const dropped = (edge: Membership, ids: string[]) => edge.groupId === third && ids.includes(edge.memberId);
  return [
    {
      change: { kind: 'template-acl', templateId, items: items as never },
      after: { ...model, acl: new Map([...model.acl, [templateId, items as AclEntry[]]]) },
    },
    { change: { kind: 'template-acl', templateId, items: [] }, after: { ...model, acl: new Map([...model.acl, [templateId, []]]) } },
    {
      change: {
        kind: 'group-members',
        groupId: third,
        add: [{ type: 'user', id: pat }],
        remove: [
          { type: 'user', id: ann },
          { type: 'group', id: first },
        ],
      },
      after: {
        ...model,
        memberships: [
          ...model.memberships.filter((edge) => !dropped(edge, [ann, first])),
          { groupId: third, memberType: 'user', memberId: pat, expiresAt: null },
        ],
      },
    },
    {
      change: { kind: 'group-members', groupId: last, add: [{ type: 'group', id: first }], remove: [] },
      after: { ...model, memberships: [...model.memberships, { groupId: last, memberType: 'group', memberId: first, expiresAt: null }] },
    },
    {
      change: { kind: 'delete-group', groupId: third },
      after: {
        ...model,
        memberships: model.memberships.filter(({ groupId, memberId }) => groupId !== third && memberId !== third),
        acl: new Map(
          [...model.acl].map(([id, list]) => [id, list.filter(({ subject }) => subject.type !== 'group' || subject.id !== third)]),
        ),
        rulers: model.rulers.filter(({ subject }) => subject !== third),
      },
    },
    {
      change: {
        kind: 'role-assignments',
        add: [
          { role: 'template-admin', subject: { type: 'group', id: first } },
          { role: 'auditor', subject: { type: 'user', id: ann } },
        ],
        remove: model.rulers.map(({ id }) => id),
      },
      after: { ...model, rulers: [{ id: 'new', type: 'group', subject: first }] },
    },
  ];
}

describe('what would change', () => {
  test('agrees with a slow model of the whole tenant, for every kind of change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }), async (draws) => {
        const tenant = await mintTenant();
        const model = await makeModel(tenant);
        await fill(tenant, model, draws);
        for (const { change, after } of changesFor(model)) {
          const found = await previewOf(tenant.owner, change);
          const { changes, ending } = expected(tenant, model, after);
          expect(changesOf(found), JSON.stringify(change)).toEqual(changes);
          expect(found.sessions.total, JSON.stringify(change)).toBe(ending);
          expect(found.complete).toBe(true);
        }
      }),
      { numRuns: 4, endOnFailure: true },
    );
  }, 120_000);

  test('a service account that administers every template is in nobody’s way', async () => {
    const tenant = await mintTenant();
    const accounts = await api(tenant.owner).post('/service-accounts', { name: 'terraform', roles: ['template-admin'] });
    expect(accounts.status).toBe(201);
    const yuki = await addUser(tenant);
    const change: PreviewBody = {
      kind: 'role-assignments',
      add: [{ role: 'template-admin', subject: { type: 'user', id: yuki.id } }],
      remove: [],
    };
    expect(changesOf(await previewOf(tenant.owner, change))).toEqual([`${yuki.id} all null admin`]);
  });

  test('nothing is changed by asking', async () => {
    const tenant = await mintTenant();
    const templateId = await makeTemplate(tenant);
    await writeAcl(tenant, templateId, [{ subject: { type: 'everyone' }, role: 'use' }]);
    const pat = await addUser(tenant);
    await previewOf(tenant.owner, { kind: 'template-acl', templateId, items: [] });
    expect((await api(pat).get(`/templates/${templateId}`)).status).toBe(200);
  });

  test('names whose open session ends, in which workspace', async () => {
    const { site } = await makePair();
    const found = await previewOf(site.tenant.owner, { kind: 'template-acl', templateId: site.templateId, items: [] });
    expect(found.sessions).toMatchObject({ total: 1, items: [{ user: { id: site.dev.id }, workspace: { name: 'box' } }] });
    expect(found.losses).toMatchObject({ people: 1, total: 1, items: [{ before: 'use', after: null }] });
  });

  test('who gains and loses which permission: by a role, through groups, and by another content of a role', async () => {
    const tenant = await mintTenant();
    const [ann, bob] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, ['auditor'], 'Bob')];
    const groupId = await insertGroup(tenant, 'Desk', [
      { type: 'user', id: ann.id },
      { type: 'user', id: bob.id },
    ]);
    const told = async (change: PreviewBody) => {
      const { permissions } = await previewOf(tenant.owner, change);
      expect(permissions.total).toBe(permissions.items.length);
      return permissions.items.map(({ user, gained, lost }) => [user.name, gained.join(' '), lost.join(' ')]);
    };
    const role = await makeRole(tenant, ['user:read', 'user:invite', 'workspace:create']);
    // Bob may see people already, as an auditor, and making workspaces is everybody's.
    const subject = { type: 'group' as const, id: groupId };
    expect(await told({ kind: 'role-assignments', add: [{ role: role.id, subject }] })).toEqual([
      ['Ann', 'user:read user:invite', ''],
      ['Bob', 'user:invite', ''],
    ]);
    const assignment = await assignRole(tenant, role.id, subject);
    expect(await told({ kind: 'role-assignments', remove: [assignment] })).toEqual([
      ['Ann', '', 'user:read user:invite'],
      ['Bob', '', 'user:invite'],
    ]);
    expect(await told({ kind: 'custom-role', roleId: role.id, permissions: ['user:invite', 'audit:read'] })).toEqual([
      ['Ann', 'audit:read', 'user:read'],
    ]);
    expect(await told({ kind: 'group-members', groupId, remove: [{ type: 'user', id: ann.id }] })).toEqual([
      ['Ann', '', 'user:read user:invite'],
    ]);
    expect((await told({ kind: 'delete-group', groupId })).map(([name]) => name)).toEqual(['Ann', 'Bob']);
    // Until it ends, and then no more.
    await tenant.db.batch([
      statement(
        "UPDATE role_assignments SET expires_at = '2026-01-01T00:00:00.000Z' WHERE tenant_id = ? AND id = ?",
        tenant.id,
        assignment,
      ),
    ]);
    expect(await told({ kind: 'custom-role', roleId: role.id, permissions: [] })).toEqual([]);
    expect(await told({ kind: 'role-assignments', remove: [assignment] })).toEqual([]);
  });

  test('a manager of a group is told what a change of its members does, and only names that they know', async () => {
    const { site } = await makePair();
    const { tenant, templateId, dev } = site;
    const [max, ann] = [await addUser(tenant, [], 'Max'), await addUser(tenant, [], 'Ann')];
    const group = await makeGroup(tenant, 'Devs');
    const strangers = await insertGroup(tenant, 'Strangers', [{ type: 'user', id: ann.id }]);
    await setManagers(tenant, group, max);
    await putIn(tenant.owner, group, dev);
    await writeAcl(tenant, templateId, [{ subject: { type: 'group', id: group.id }, role: 'use' }]);
    const change = { kind: 'group-members' as const, groupId: group.id };
    const joins = await previewOf(max, { ...change, add: [{ type: 'group', id: strangers }] });
    expect(joins.gains).toMatchObject({ people: 1, total: 1, items: [] });
    const named = await previewOf(max, { ...change, add: [{ type: 'user', id: ann.id }] });
    expect(named.gains).toMatchObject({ total: 1, items: [{ user: { name: 'Ann' }, template: { id: templateId }, after: 'use' }] });
    const leaves = await previewOf(max, { ...change, remove: [{ type: 'user', id: dev.id }] });
    expect(leaves.sessions).toMatchObject({ total: 1, items: [{ user: { id: dev.id }, workspace: null }] });
    expect((await previewOf(tenant.owner, { ...change, remove: [{ type: 'user', id: dev.id }] })).sessions.items).toMatchObject([
      { workspace: { name: 'box' } },
    ]);
    const others = await makeGroup(tenant, 'Others');
    const refused = await api(max).post('/access/preview', { ...change, groupId: others.id });
    expect(refused.status).toBe(403);
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'access.preview', outcome: 'denied' });
    expect((await api(max).post('/access/preview', { kind: 'delete-group', groupId: group.id })).status).toBe(403);
  });

  test('of roles is told to who looks after those concerned, too, and of a role’s content to who may change it', async () => {
    const tenant = await mintTenant();
    const [admin, pat] = [await addUser(tenant, ['user-admin']), await addUser(tenant)];
    const role = await makeRole(tenant, ['user:read']);
    const tried = (change: PreviewBody) => api(admin).post('/access/preview', change);
    const add = [{ role: role.id, subject: { type: 'user' as const, id: pat.id } }];
    expect((await tried({ kind: 'role-assignments', add })).status).toBe(200);
    expect((await tried({ kind: 'role-assignments' })).status).toBe(403);
    expect((await tried({ kind: 'custom-role', roleId: role.id, permissions: [] })).status).toBe(403);
    const gone = services().newId('role');
    expect((await api(tenant.owner).post('/access/preview', { kind: 'custom-role', roleId: gone, permissions: [] })).status).toBe(404);
  });

  test('is told only to who may make the change, and a list that could not be saved is refused the same', async () => {
    const tenant = await mintTenant();
    const templateId = await makeTemplate(tenant);
    const pat = await addUser(tenant);
    const groupId = await insertGroup(tenant, 'Group');
    const stranger = (await mintTenant()).owner.id;
    const tried = (change: PreviewBody) => api(pat).post('/access/preview', change);
    expect((await tried({ kind: 'template-acl', templateId, items: [] })).status).toBe(404);
    expect((await tried({ kind: 'group-members', groupId })).status).toBe(403);
    expect((await tried({ kind: 'role-assignments' })).status).toBe(403);
    const items = [{ subject: { type: 'user' as const, id: stranger }, role: 'use' as const }];
    const wrong = await api(tenant.owner).post('/access/preview', { kind: 'template-acl', templateId, items });
    expect(problem(wrong).errors?.[0]?.path).toBe('items.0.subject.id');
    expect((await api((await mintTenant()).owner).post('/access/preview', { kind: 'delete-group', groupId })).status).toBe(404);
  });
});
