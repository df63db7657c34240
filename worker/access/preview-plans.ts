import type { z } from 'zod';
import { ancestors, descendants, type GroupEdge } from '@gatehouse/core/access/groups.ts';
import type { World } from '@gatehouse/core/access/preview.ts';
import type { previewBody } from '@gatehouse/core/api/access.ts';
import type { UserContext } from '../platform/context.ts';
import type { Assignment, Concerned, ConcernedTemplates, Frame, Member } from './preview.store.ts';
import { findAssignments, findHolders } from './preview.store.ts';
import { findAcl } from './template-acl.store.ts';
import { checkAcl, withExactEnd } from './template-acl.ts';

export type Change = z.output<typeof previewBody>;
type Kind<K extends Change['kind']> = Change & { kind: K };

/** Whom and what a change concerns, and how the world is once it is made. */
export interface Plan {
  who: Concerned;
  what: ConcernedTemplates;
  after: (before: PreviewWorld) => World;
}

/** With the ids of assignments, by which they are taken. */
export type PreviewWorld = Omit<World, 'assignments'> & { assignments: readonly Assignment[] };

export function planOf(ctx: UserContext, change: Change, frame: Frame): Plan | Promise<Plan> {
  switch (change.kind) {
    case 'template-acl':
      return planAcl(ctx, change, frame);
    case 'group-members':
      return planMembers(change, frame);
    case 'delete-group':
      return planDeletion(change.groupId, frame);
    case 'role-assignments':
      return planRoles(ctx, change, frame);
    case 'custom-role':
      return planRole(ctx, change, frame);
  }
}

async function planAcl(ctx: UserContext, { templateId, items }: Kind<'template-acl'>, { nesting }: Frame): Promise<Plan> {
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
export const ofType = (members: readonly Member[], type: Member['type']): string[] =>
  members.filter((each) => each.type === type).map(({ id }) => id);
const concerning = (subjects: readonly Member[], nesting: readonly GroupEdge[]): Concerned => ({
  ...{ everybody: false, users: ofType(subjects, 'user'), groups: inside(ofType(subjects, 'group'), nesting) },
});

function planMembers({ groupId, add, remove }: Kind<'group-members'>, { nesting }: Frame): Plan {
  const [added, removed] = [add, remove].map((side) => new Set(ofType(side, 'user'))) as [Set<string>, Set<string>];
  const gone = new Set(ofType(remove, 'group'));
  const edges: GroupEdge[] = [
    ...nesting.filter((edge) => edge.groupId !== groupId || !gone.has(edge.memberId)),
    ...ofType(add, 'group').map((memberId) => ({ groupId, memberId })),
  ];
  return {
    who: concerning([...add, ...remove], nesting),
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
  const names = (subject: { type: string; id?: string }) => subject.type === 'group' && subject.id === groupId;
  return {
    who: concerning([{ type: 'group', id: groupId }], nesting),
    what: { templateId: null, groups: [...ancestors(groupId, nesting)] },
    after: (world) => ({
      ...world,
      nesting: nesting.filter((edge) => edge.groupId !== groupId && edge.memberId !== groupId),
      groupsOf: new Map([...world.groupsOf].map(([userId, groups]) => [userId, groups.filter((id) => id !== groupId)])),
      entries: new Map([...world.entries].map(([id, entries]) => [id, entries.filter(({ subject }) => !names(subject))])),
      assignments: world.assignments.filter(({ subject }) => !names(subject)),
    }),
  };
}

async function planRoles(ctx: UserContext, { add, remove }: Kind<'role-assignments'>, { nesting }: Frame): Promise<Plan> {
  const taken = await findAssignments(ctx, remove);
  return {
    who: concerning([...add.map(({ subject }) => subject), ...taken.map(({ subject }) => subject)], nesting),
    what: { templateId: null, groups: [] },
    after: (world) => ({
      ...world,
      assignments: [...world.assignments.filter(({ id }) => id === undefined || !remove.includes(id)), ...add],
    }),
  };
}

async function planRole(ctx: UserContext, { roleId, permissions }: Kind<'custom-role'>, { nesting }: Frame): Promise<Plan> {
  return {
    who: concerning(await findHolders(ctx, roleId), nesting),
    what: { templateId: null, groups: [] },
    after: (world) => ({ ...world, roles: new Map([...world.roles, [roleId, new Set(permissions)]]) }),
  };
}
