import type { z } from 'zod';
import { ancestors, descendants, type GroupEdge } from '@gatehouse/core/access/groups.ts';
import { compareWorlds, gains, type AccessChange, type World } from '@gatehouse/core/access/preview.ts';
import { PREVIEW_SHOWN, type Preview, type previewBody } from '@gatehouse/core/api/access.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import {
  administeringRoles,
  findConcerned,
  findFrame,
  hasGroup,
  type Assignment,
  type Concerned,
  type ConcernedTemplates,
  type Member,
} from './preview.store.ts';
import { accessTo } from './template-access.ts';
import { findAcl } from './template-acl.store.ts';
import { checkAcl, withExactEnd } from './template-acl.ts';

type Change = z.output<typeof previewBody>;
type Frame = Awaited<ReturnType<typeof findFrame>>;

/** More people than this are not looked at, and the answer says so. */
const PEOPLE = 10_000;

/** Whom and what a change concerns, and how the world is once it is made. */
interface Plan {
  who: Concerned;
  what: ConcernedTemplates;
  after: (before: World) => World;
}

/**
 * Who would gain and lose what, and whose open connections would end, if the change were made now.
 * @throws AppError `permission-denied` for who may not make the change itself; `not-found`, `invalid`
 */
export async function previewChange(ctx: UserContext, change: Change): Promise<Preview> {
  await requireChange(ctx, change);
  const frame = await findFrame(ctx);
  const plan = await planOf(ctx, change, frame);
  const found = await findConcerned(ctx, plan.who, plan.what, PEOPLE);
  const before: World = {
    ...{ nesting: frame.nesting, groupsOf: found.groupsOf, entries: found.entries },
    administrators: frame.administrators.map(({ subject }) => subject),
  };
  const people = found.people.map(({ id }) => id);
  const among = { people, templates: [...found.templates.keys()], connections: found.connections };
  const { changes, ending } = compareWorlds(before, plan.after(before), among, ctx.now().toISOString());
  const names = new Map(found.people.map(({ id, name }) => [id, name]));
  const person = (id: string) => ({ id, name: names.get(id) ?? id });
  const show = (rows: AccessChange[]) => ({
    people: new Set(rows.map(({ userId }) => userId)).size,
    total: rows.length,
    items: rows.slice(0, PREVIEW_SHOWN).map(({ userId, templateId, before: old, after }) => ({
      user: person(userId),
      template: templateId === null ? null : { id: templateId, name: found.templates.get(templateId) ?? templateId },
      before: old,
      after,
    })),
  });
  const workspaces = new Map(found.connections.map(({ id, workspace }) => [id, workspace]));
  return {
    gains: show(changes.filter(gains)),
    losses: show(changes.filter((each) => !gains(each))),
    sessions: {
      total: ending.length,
      items: ending
        .slice(0, PREVIEW_SHOWN)
        .map(({ id, userId }) => ({ user: person(userId), workspace: workspaces.get(id) ?? { id, name: id } })),
    },
    complete: found.complete,
  };
}

/** What would change may be asked by who may change it. */
async function requireChange(ctx: UserContext, change: Change): Promise<void> {
  const facts = { action: 'access.preview' as const, resource: { type: 'policy' as const, id: null, name: WORDS[change.kind] } };
  switch (change.kind) {
    case 'template-acl':
      await accessTo(ctx, change.templateId, 'admin', 'template.acl.update');
      return;
    case 'group-members':
    case 'delete-group':
      await require(ctx, 'group:update', facts);
      if (!(await hasGroup(ctx, change.groupId))) throw new AppError('not-found', 'There is no such group');
      return;
    case 'role-assignments':
      await require(ctx, 'role:assign', facts);
  }
}

const WORDS: Record<Change['kind'], string> = {
  'template-acl': 'a template’s access list',
  'group-members': 'a group’s members',
  'delete-group': 'the deletion of a group',
  'role-assignments': 'role assignments',
};

function planOf(ctx: UserContext, change: Change, frame: Frame): Plan | Promise<Plan> {
  switch (change.kind) {
    case 'template-acl':
      return planAcl(ctx, change, frame);
    case 'group-members':
      return planMembers(change, frame);
    case 'delete-group':
      return planDeletion(change.groupId, frame);
    case 'role-assignments':
      return planRoles(ctx, change, frame);
  }
}

async function planAcl(ctx: UserContext, { templateId, items }: Change & { kind: 'template-acl' }, { nesting }: Frame): Promise<Plan> {
  const before = (await findAcl(ctx, templateId)).items;
  const next = items.map(withExactEnd);
  await checkAcl(ctx, before, next);
  const text = ({ subject, role, expiresAt, grantId }: (typeof next)[number]) => JSON.stringify([subject, role, expiresAt, grantId]);
  const [old, now] = [new Set(before.map(text)), new Set(next.map(text))];
  const changed = [...before.filter((entry) => !now.has(text(entry))), ...next.filter((entry) => !old.has(text(entry)))].map(
    ({ subject }) => subject,
  );
  return {
    who: {
      everybody: changed.some(({ type }) => type === 'everyone'),
      users: changed.flatMap((subject) => (subject.type === 'user' ? [subject.id] : [])),
      groups: inside(
        changed.flatMap((subject) => (subject.type === 'group' ? [subject.id] : [])),
        nesting,
      ),
    },
    what: { templateId, groups: [] },
    after: (world) => ({ ...world, entries: new Map([...world.entries, [templateId, next]]) }),
  };
}

const inside = (groups: readonly string[], nesting: readonly GroupEdge[]): string[] => [...descendants(groups, nesting)];
const ofType = (members: readonly Member[], type: Member['type']) => members.filter((each) => each.type === type).map(({ id }) => id);

function planMembers({ groupId, add, remove }: Change & { kind: 'group-members' }, { nesting }: Frame): Plan {
  const members = [...add, ...remove];
  const [added, removed] = [add, remove].map((side) => new Set(ofType(side, 'user'))) as [Set<string>, Set<string>];
  const gone = new Set(ofType(remove, 'group'));
  const edges: GroupEdge[] = [
    ...nesting.filter((edge) => edge.groupId !== groupId || !gone.has(edge.memberId)),
    ...ofType(add, 'group').map((memberId) => ({ groupId, memberId })),
  ];
  return {
    who: { everybody: false, users: ofType(members, 'user'), groups: inside(ofType(members, 'group'), nesting) },
    what: { templateId: null, groups: [...ancestors(groupId, nesting)] },
    after: (world) => ({
      ...world,
      nesting: edges,
      groupsOf: new Map(
        [...world.groupsOf].map(([userId, groups]) => {
          const kept = removed.has(userId) ? groups.filter((id) => id !== groupId) : groups;
          return [userId, added.has(userId) ? [...kept, groupId] : kept];
        }),
      ),
    }),
  };
}

function planDeletion(groupId: string, { nesting }: Frame): Plan {
  return {
    who: { everybody: false, users: [], groups: inside([groupId], nesting) },
    what: { templateId: null, groups: [...ancestors(groupId, nesting)] },
    after: (world) => ({
      nesting: nesting.filter((edge) => edge.groupId !== groupId && edge.memberId !== groupId),
      groupsOf: new Map([...world.groupsOf].map(([userId, groups]) => [userId, groups.filter((id) => id !== groupId)])),
      entries: new Map(
        [...world.entries].map(([id, entries]) => [
          id,
          entries.filter(({ subject }) => subject.type !== 'group' || subject.id !== groupId),
        ]),
      ),
      administrators: world.administrators.filter(({ type, id }) => type !== 'group' || id !== groupId),
    }),
  };
}

async function planRoles(ctx: UserContext, { add, remove }: Change & { kind: 'role-assignments' }, frame: Frame): Promise<Plan> {
  const roles = await administeringRoles(
    ctx,
    add.map(({ role }) => role),
  );
  const given = add.filter(({ role }) => roles.has(role)).map(({ subject }) => subject);
  const taken = frame.administrators.filter(({ id }) => remove.includes(id));
  const left = (all: readonly Assignment[]) => all.filter(({ id }) => !remove.includes(id)).map(({ subject }) => subject);
  const subjects = [...given, ...taken.map(({ subject }) => subject)];
  return {
    who: { everybody: false, users: ofType(subjects, 'user'), groups: inside(ofType(subjects, 'group'), frame.nesting) },
    what: { templateId: null, groups: [] },
    after: (world) => ({ ...world, administrators: [...left(frame.administrators), ...given] }),
  };
}
