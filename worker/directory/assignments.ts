import type { z } from 'zod';
import type { BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { givenDetails } from '@gatehouse/core/access/power.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import type { Assignment, assignmentCreate, assignmentList, assignmentUpdate } from '@gatehouse/core/api/roles.ts';
import { diffEntries, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, refuse, require, type EventFacts, type Lessening } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { pageOf } from '../platform/route.ts';
import * as store from './assignments.store.ts';
import { waysTo } from './group-edges.ts';
import { onLastOwner, ownersRemain } from './owners.ts';
import { grantable, powersOfRoles, requireOwnerForSelf, roleName, type NamedRole } from './role-grants.ts';

/** Who or what a role is given to; the name is for people. */
export interface Subject {
  type: 'user' | 'group' | 'service-account';
  id: string;
  name: string;
}

const TYPE_OF = { usr: 'user', grp: 'group', sva: 'service-account' } as const;
const typeOf = (id: string): Subject['type'] => TYPE_OF[id.slice(0, 3) as keyof typeof TYPE_OF];
const requireRead = (ctx: UserContext) =>
  require(ctx, 'role:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /role-assignments' } });

/** Everybody's unexpired roles, page by page. */
export async function listAssignments(
  ctx: UserContext,
  page: { q: string; limit: number; after: string },
  role: string | null,
): Promise<z.infer<typeof assignmentList>> {
  await requireRead(ctx);
  const rows = await store.findAssignments(ctx.db, page, role, ctx.now().toISOString());
  return pageOf(
    rows,
    page.limit,
    (row) => present(row),
    (row) => [row.id],
  );
}

/** What one subject has: its own, and those of the groups that it is in, with the way. */
export async function listAssignmentsOf(ctx: UserContext, subjectId: string): Promise<z.infer<typeof assignmentList>> {
  await requireRead(ctx);
  const subject = { type: typeOf(subjectId), id: subjectId };
  const { rows, holders, edges, names } = await store.findAssignmentsOf(ctx.db, subject, ctx.now().toISOString());
  const items = rows.map((row) => {
    const [way] = row.subject_id === subjectId ? [] : waysTo(row.subject_id, holders, edges, 1);
    return present(
      row,
      (way?.groups ?? []).map((id) => ({ id, name: names.get(id) ?? id })),
      way?.expiresAt ?? null,
    );
  });
  return { items, nextCursor: null };
}

const present = (row: store.AssignmentRow, path: Assignment['path'] = [], pathEndsAt: string | null = null): Assignment => ({
  ...{ id: row.id, role: { id: row.role as BuiltInRole, name: titleOf(row), builtIn: builtInRole.safeParse(row.role).success } },
  subject: { type: row.subject_type, id: row.subject_id, name: row.subject_name, email: row.email },
  ...{ expiresAt: row.expires_at, createdAt: row.created_at, createdBy: row.created_by },
  ...{ path, pathEndsAt },
});

const titleOf = (row: store.AssignmentRow) => roleName({ role: row.role, name: row.role_name });
const roleOf = (row: store.AssignmentRow): NamedRole => ({ role: row.role, name: row.role_name, permissions: row.permissions });

/** Whoever gives roles, or looks after such subjects, may ask at all; which roles they may give is looked at then. */
async function requireAssigner(ctx: UserContext, type: Subject['type'], facts: Pick<EventFacts, 'action' | 'resource'>): Promise<void> {
  if (ctx.actor.permissions.has('role:assign')) return;
  await require(ctx, type === 'group' ? 'group:update' : 'user:update', facts);
}

/** @throws AppError as `giveRole` */
export async function assignRole(ctx: UserContext, input: z.infer<typeof assignmentCreate>): Promise<Assignment> {
  const { subject, role } = input;
  const resource = { type: 'role', id: role, name: `${roleName({ role, name: null })} to somebody` } as const;
  await requireAssigner(ctx, subject.type, { action: 'role.assign', resource });
  return giveRole(ctx, { ...subject, name: null }, role, input.expiresAt);
}

const invalid = (path: string, message: string) => new AppError('invalid', 'Some of the input is wrong', { errors: [{ path, message }] });

/**
 * Gives a role to somebody whom the caller may change. Nobody gives more than they may themselves unless they hold `role:assign`;
 * only owners give to themselves, and the event says so.
 * @param to `name`: null for people and groups, who are looked up; that of a service account, which its own use case has found
 * @throws AppError `permission-denied`, `conflict` when they have it, `invalid` for a role or a subject that is not there and for an
 * end that has passed
 */
export async function giveRole(
  ctx: UserContext,
  to: Omit<Subject, 'name'> & { name: string | null },
  role: string,
  expiresAt: string | null,
): Promise<Assignment> {
  const now = ctx.now().toISOString();
  const found = await store.findForAssigning(ctx.db, to, role, ctx.actor, now);
  const name = to.name ?? found.subject?.name;
  if (name === undefined) throw invalid('subject.id', 'is nobody in this organisation');
  const builtIn = builtInRole.safeParse(role).success;
  if (!builtIn && found.role === null) throw invalid('role', 'is no role of this organisation');
  const subject = { ...to, name };
  const named = { role, name: found.role?.name ?? null, permissions: found.role?.permissions ?? null };
  const title = roleName(named);
  const facts = { action: 'role.assign', resource: { type: 'role', id: role, name: `${title} to ${name}` } } as const;
  if (!grantable(ctx, named)) await refuse(ctx, facts, `Role ${title} may more than you may, so you can’t give it`);
  if (found.self) await requireOwnerForSelf(ctx, facts);
  const end = endOf(ctx, expiresAt);
  const id = ctx.newId('roleAssignment');
  const given = givenDetails({ power: powersOfRoles([named]), self: found.self });
  const details = { ...detailsOf(title, subject), expiresAt: end, ...given };
  const event = eventOf(ctx, { ...facts, status: 201, diff: endChange(title, undefined, end), details });
  const guard = store.insertAssignment(ctx.db, { id, role, subject, expiresAt: end, now, by: ctx.actor.id });
  await onGuard(
    commit(ctx, { guard, events: [event] }),
    () => new AppError('conflict', `${name} has the role ${title} already.`, { errors: [{ path: 'role', message: 'is given already' }] }),
  );
  return {
    ...{ id, role: { id: role as BuiltInRole, name: title, builtIn }, subject: { ...subject, email: found.subject?.email ?? null } },
    ...{ expiresAt: end, createdAt: now, createdBy: ctx.actor.name, path: [], pathEndsAt: null },
  };
}

const detailsOf = (role: string, subject: Subject) => ({ role, subject: subject.name, subjectType: subject.type, subjectId: subject.id });
const endRules: FieldRules<{ until: string }> = { until: 'tracked' };
/** @param before undefined: it was not given; @param after undefined: it is not given any more */
const endChange = (role: string, before: string | null | undefined, after: string | null | undefined): AuditChange[] => {
  const given = (end: string | null | undefined) => new Map(end === undefined ? [] : [[role, { until: end ?? 'for good' }]]);
  return diffEntries('role ', endRules, given(before), given(after));
};
const noAssignment = () => new AppError('not-found', 'This role is not given, or not any more.');

function endOf(ctx: UserContext, expiresAt: string | null): string | null {
  if (expiresAt === null) return null;
  const end = new Date(expiresAt);
  if (end <= ctx.now()) throw invalid('expiresAt', 'must be in the future');
  return end.toISOString();
}

/** The assignment, for somebody who may give and take its role. @throws AppError `permission-denied`, `not-found` */
async function toChange(
  ctx: UserContext,
  id: string,
  action: 'role.extend' | 'role.unassign',
  words: 'of' | 'from',
): Promise<{ row: store.AssignmentRow; subject: Subject; facts: Pick<EventFacts, 'action' | 'resource'> }> {
  const row = await store.findAssignment(ctx.db, id);
  const subject = { type: row?.subject_type ?? 'user', id: row?.subject_id ?? '', name: row?.subject_name ?? 'somebody' } as const;
  const name = row ? `${titleOf(row)} ${words} ${subject.name}` : `${words} somebody`;
  const facts = { action, resource: { type: 'role', id: row?.role ?? null, name } } as const;
  await requireAssigner(ctx, subject.type, facts);
  if (!row) throw noAssignment();
  if (!grantable(ctx, roleOf(row))) await refuse(ctx, facts, `Role ${titleOf(row)} may more than you may, so you can’t change who has it`);
  return { row, subject, facts };
}

/** Somebody who stays in a group may join or leave it until the change stands, so then everybody is looked at. */
const lesseningOf = (subject: Subject, cause: string): Lessening => ({
  users: subject.type === 'group' ? 'everybody' : [subject.id],
  cause,
});

const ownerKept = (ctx: UserContext, { role }: store.AssignmentRow) => (role === 'owner' ? ownersRemain(ctx.db) : []);

/** Gives a role another end, or none. @throws AppError `conflict` for the last owner, or when somebody else was faster */
export async function changeEnd(ctx: UserContext, id: string, input: z.infer<typeof assignmentUpdate>): Promise<Assignment> {
  const { row, subject, facts } = await toChange(ctx, id, 'role.extend', 'of');
  const end = endOf(ctx, input.expiresAt);
  const longer = end === null ? row.expires_at !== null : row.expires_at !== null && end > row.expires_at;
  const [self] = await ctx.db.batch([store.selfQuery(ctx.db, subject, ctx.actor, ctx.now().toISOString())]);
  const selfGrant = longer && (self?.rows.length ?? 0) > 0;
  if (selfGrant) await requireOwnerForSelf(ctx, facts);
  const title = titleOf(row);
  const given = givenDetails({ power: longer ? powersOfRoles([roleOf(row)]) : [], self: selfGrant });
  const details = { ...detailsOf(title, subject), expiresAt: end, ...given };
  const event = eventOf(ctx, { ...facts, status: 200, diff: endChange(title, row.expires_at, end), details });
  const changed = commit(ctx, {
    guard: store.updateEnd(ctx.db, id, row.expires_at, end),
    changes: ownerKept(ctx, row),
    events: [event],
    ...(longer ? {} : { lessens: lesseningOf(subject, `The end of role ${title} changed`) }),
  });
  await onLastOwner(onGuard(changed, () => new AppError('conflict', 'Somebody else changed this role in the meantime. Load it again.')));
  return present({ ...row, expires_at: end });
}

/** @throws AppError `conflict` for the last owner */
export async function unassignRole(ctx: UserContext, id: string): Promise<void> {
  const { row, subject, facts } = await toChange(ctx, id, 'role.unassign', 'from');
  const title = titleOf(row);
  const event = eventOf(ctx, {
    ...{ ...facts, status: 204, details: detailsOf(title, subject) },
    diff: endChange(title, row.expires_at, undefined),
  });
  const change = {
    ...{ guard: store.deleteAssignment(ctx.db, id), changes: ownerKept(ctx, row), events: [event] },
    lessens: lesseningOf(subject, `Role ${title} was taken away`),
  };
  await onLastOwner(onGuard(commit(ctx, change), noAssignment));
}
