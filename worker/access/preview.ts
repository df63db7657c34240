import { descendants } from '@gatehouse/core/access/groups.ts';
import { compareWorlds, gains, type AccessChange } from '@gatehouse/core/access/preview.ts';
import { PREVIEW_SHOWN, type Preview } from '@gatehouse/core/api/access.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { requireEditorOf } from '../directory/members.ts';
import { require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { ofType, planOf, type Change, type PreviewWorld } from './preview-plans.ts';
import { findAssignments, findConcerned, findFrame, hasGroup, hasRole } from './preview.store.ts';
import { accessTo } from './template-access.ts';

/** More people than this are not looked at, and the answer says so. */
const PEOPLE = 10_000;

/**
 * Who would gain and lose what, and whose open connections would end, if the change were made now.
 * @throws AppError `permission-denied` for who may not make the change itself; `not-found`, `invalid`
 */
export async function previewChange(ctx: UserContext, change: Change): Promise<Preview> {
  await requireChange(ctx, change);
  const frame = await findFrame(ctx);
  const plan = await planOf(ctx, change, frame);
  const found = await findConcerned(ctx, plan.who, plan.what, PEOPLE);
  const before: PreviewWorld = {
    ...{ nesting: frame.nesting, groupsOf: found.groupsOf, entries: found.entries, roles: frame.roles },
    assignments: [...frame.assignments, ...found.assignments],
  };
  const people = found.people.map(({ id }) => id);
  const among = { people, templates: [...found.templates.keys()], connections: found.connections };
  const { changes, permissions, ending } = compareWorlds(before, plan.after(before), among, ctx.now().toISOString());
  const names = new Map(found.people.map(({ id, name }) => [id, name]));
  const person = (id: string) => ({ id, name: names.get(id) ?? id });
  const mayName = namable(ctx, change, { nesting: frame.nesting, groupsOf: found.groupsOf });
  const shown = <T extends { userId: string }>(rows: readonly T[]) => rows.filter(({ userId }) => mayName(userId)).slice(0, PREVIEW_SHOWN);
  const show = (rows: AccessChange[]) => ({
    people: new Set(rows.map(({ userId }) => userId)).size,
    total: rows.length,
    items: shown(rows).map(({ userId, templateId, before: old, after }) => ({
      user: person(userId),
      template: templateId === null ? null : { id: templateId, name: found.templates.get(templateId) ?? templateId },
      before: old,
      after,
    })),
  });
  const workspaces = new Map(found.connections.map(({ id, workspace }) => [id, workspace]));
  const mayOpen = (connection: { userId: string; mine: boolean }) =>
    change.kind === 'template-acl' ||
    ctx.actor.permissions.has('workspace:read-all') ||
    (connection.mine && connection.userId === ctx.actor.id);
  return {
    gains: show(changes.filter(gains)),
    losses: show(changes.filter((each) => !gains(each))),
    permissions: {
      total: permissions.length,
      items: shown(permissions).map(({ userId, gained, lost }) => ({ user: person(userId), gained, lost })),
    },
    sessions: {
      total: ending.length,
      items: shown(ending).map((connection) => ({
        ...{ user: person(connection.userId), workspace: mayOpen(connection) ? (workspaces.get(connection.id) ?? null) : null },
      })),
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
      await requireEditorOf(ctx, change.groupId, facts);
      return;
    case 'delete-group':
      await require(ctx, 'group:update', facts);
      if (!(await hasGroup(ctx, change.groupId))) throw new AppError('not-found', 'There is no such group');
      return;
    case 'role-assignments':
      return requireAssigner(ctx, change, facts);
    case 'custom-role':
      await require(ctx, 'role:update', facts);
      if (!(await hasRole(ctx, change.roleId))) throw new AppError('not-found', 'There is no such role');
  }
}

/** Whoever gives roles, or looks after all of those who would get or lose one. */
async function requireAssigner(
  ctx: UserContext,
  { add, remove }: Change & { kind: 'role-assignments' },
  facts: { action: 'access.preview'; resource: { type: 'policy'; id: null; name: string } },
): Promise<void> {
  if (ctx.actor.permissions.has('role:assign')) return;
  const subjects = [...add.map(({ subject }) => subject), ...(await findAssignments(ctx, remove)).map(({ subject }) => subject)];
  if (subjects.length === 0) await require(ctx, 'role:assign', facts);
  if (ofType(subjects, 'group').length > 0) await require(ctx, 'group:update', facts);
  if (ofType(subjects, 'user').length > 0) await require(ctx, 'user:update', facts);
}

/**
 * Whose names the caller may be told. Whoever edits a template's list finds everybody for it; a group's manager knows those whom
 * the change names and who is in the group now. All are counted.
 */
function namable(
  ctx: UserContext,
  change: Change,
  { nesting, groupsOf }: Pick<PreviewWorld, 'nesting' | 'groupsOf'>,
): (userId: string) => boolean {
  if (change.kind === 'template-acl' || ctx.actor.permissions.has('user:read')) return () => true;
  if (change.kind !== 'group-members') return (userId) => userId === ctx.actor.id;
  const named = new Set([...ofType([...change.add, ...change.remove], 'user'), ctx.actor.id]);
  const inside = descendants([change.groupId], nesting);
  return (userId) => named.has(userId) || (groupsOf.get(userId) ?? []).some((groupId) => inside.has(groupId));
}

const WORDS: Record<Change['kind'], string> = {
  'template-acl': 'a template’s access list',
  'group-members': 'a group’s members',
  'delete-group': 'the deletion of a group',
  'role-assignments': 'role assignments',
  'custom-role': 'a role',
};
