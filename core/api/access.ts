import { z } from 'zod';
import { TEMPLATE_ROLES } from '../access/template-acl.ts';
import { idSchema } from '../ids.ts';
import { listOf, page, searchText, text, time } from './common.ts';
import { permission } from './identity.ts';
import { aclEntry, templateRole } from './templates.ts';

const named = z.object({ id: z.string(), name: z.string() });
const person = z.object({ id: idSchema('user'), name: z.string() });
const template = z.object({ id: idSchema('template'), name: z.string() });
const role = templateRole.nullable();

/** Whom an entry, a role or a question can be about. */
export const SUBJECT_KINDS = ['user', 'group'] as const;
export const subjectQuery = page.extend({
  q: searchText.default(''),
  kind: z.enum(SUBJECT_KINDS).optional(),
  /** asked while this template's list is edited: its administrators may look for people, too */
  templateId: idSchema('template').optional(),
});
export const subject = z.object({ type: z.enum(SUBJECT_KINDS), id: z.string(), name: z.string(), note: z.string() });
export type Subject = z.infer<typeof subject>;
export const subjectList = listOf(subject);

/** One way to a role: through these groups, the innermost first, to the entry or the tenant-wide role. */
export const accessPath = z.object({
  role: templateRole,
  /** with the end of being in each, for what comes before it on the way */
  groups: z.array(named.extend({ expiresAt: time.nullable() })),
  by: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('entry'), subject: z.enum(['user', 'group', 'everyone']), grantId: z.string().nullable() }),
    z.object({ kind: z.literal('role'), role: z.string(), name: z.string(), assignmentId: z.string() }),
  ]),
  /** the earliest end along the way */
  expiresAt: time.nullable(),
});
export type AccessPath = z.infer<typeof accessPath>;

/** Whom to ask: a few who administer it, nearest first, and how many more there are. */
export const askable = z.object({ people: z.array(person), more: z.number().int() });

export const explanation = z.object({
  template,
  user: person.extend({ active: z.boolean() }),
  role,
  paths: z.array(accessPath),
  ended: z.array(accessPath),
  truncated: z.boolean(),
  until: time.nullable(),
  ask: askable,
  /** the person's open request, if there is one */
  requestId: idSchema('accessRequest').nullable(),
});
export type Explanation = z.infer<typeof explanation>;
export const explainQuery = z.object({ userId: idSchema('user').optional() });

/** Why somebody can or can't connect to a workspace: the explanation of its template, and what took access away last. */
export const workspaceAccess = explanation.extend({
  needed: templateRole,
  allowed: z.boolean(),
  taken: z.object({ cause: z.string(), at: time }).nullable(),
});
export type WorkspaceAccess = z.infer<typeof workspaceAccess>;

const reviewFilter = z.object({
  templateId: idSchema('template').optional(),
  userId: idSchema('user').optional(),
  groupId: idSchema('group').optional(),
  role: z.enum(TEMPLATE_ROLES).optional(),
});
export const reviewQuery = page.extend(reviewFilter.shape);
export const reviewExportQuery = reviewFilter;
export type ReviewFilter = z.infer<typeof reviewFilter>;
export const reviewRow = z.object({
  template,
  user: person.extend({ email: z.string() }),
  role: templateRole,
  until: time.nullable(),
  paths: z.array(accessPath),
  truncated: z.boolean(),
});
export type ReviewRow = z.infer<typeof reviewRow>;
export const reviewList = listOf(reviewRow);

const member = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), id: idSchema('user') }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
]);
/** A change that has not been made yet. */
export const previewBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('template-acl'), templateId: idSchema('template'), items: z.array(aclEntry).max(200) }),
  z.object({
    kind: z.literal('group-members'),
    groupId: idSchema('group'),
    add: z.array(member).max(1000).default([]),
    remove: z.array(member).max(1000).default([]),
  }),
  z.object({ kind: z.literal('delete-group'), groupId: idSchema('group') }),
  z.object({
    kind: z.literal('role-assignments'),
    add: z
      .array(z.object({ role: text(100), subject: member }))
      .max(100)
      .default([]),
    /** ids of assignments */
    remove: z.array(idSchema('roleAssignment')).max(100).default([]),
  }),
  /** one of the organisation's own, with other permissions */
  z.object({ kind: z.literal('custom-role'), roleId: idSchema('role'), permissions: z.array(permission).max(100) }),
]);
export type PreviewBody = z.input<typeof previewBody>;

const changed = z.object({
  user: person,
  /** null: every template, by a tenant-wide role */
  template: template.nullable(),
  before: role,
  after: role,
});
const side = z.object({ people: z.number().int(), total: z.number().int(), items: z.array(changed) });
/** Lists are cut at `PREVIEW_SHOWN`, and leave out whose names the caller may not see; the numbers count all. */
export const preview = z.object({
  gains: side,
  losses: side,
  /** people who may then what they may not now, tenant-wide, or the other way round */
  permissions: z.object({
    total: z.number().int(),
    items: z.array(z.object({ user: person, gained: z.array(permission), lost: z.array(permission) })),
  }),
  sessions: z.object({
    total: z.number().int(),
    /** a workspace that the caller may not see has no name here */
    items: z.array(z.object({ user: person, workspace: z.object({ id: z.string(), name: z.string() }).nullable() })),
  }),
  /** false: more people are concerned than were looked at, and the numbers are at least these */
  complete: z.boolean(),
});
export type Preview = z.infer<typeof preview>;
export const PREVIEW_SHOWN = 50;

export const REQUEST_HOURS = { min: 1, max: 720 } as const;
const hours = z.int().min(REQUEST_HOURS.min, 'must be at least 1 hour').max(REQUEST_HOURS.max, 'must be at most 30 days (720 hours)');
export const REQUEST_STATES = ['open', 'approved', 'denied', 'withdrawn'] as const;
export const requestCreate = z.object({ templateId: idSchema('template'), hours, reason: text(500) });
export const requestDecision = z.discriminatedUnion('decision', [
  /** `hours`: fewer than were asked for */
  z.object({ decision: z.literal('approve'), hours: hours.optional(), note: text(300, 0).default('') }),
  z.object({ decision: z.literal('deny'), note: text(300) }),
]);
export const accessRequest = z.object({
  id: idSchema('accessRequest'),
  template,
  user: person,
  hours: z.int(),
  reason: z.string(),
  state: z.enum(REQUEST_STATES),
  createdAt: time,
  decidedAt: time.nullable(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
  /** of an approved one: when the grant ends, and whether it still gives something */
  expiresAt: time.nullable(),
  inForce: z.boolean(),
  mine: z.boolean(),
  mayDecide: z.boolean(),
});
export type AccessRequest = z.infer<typeof accessRequest>;
export const requestQuery = page.extend({
  /** the caller’s own, or those on templates that the caller administers */
  scope: z.enum(['mine', 'administered']).default('mine'),
  state: z.enum(['open', 'decided']).optional(),
  templateId: idSchema('template').optional(),
});
export const requestList = listOf(accessRequest);

/** What waits for the caller, up to `NOTICES_COUNTED` of each. */
export const notices = z.object({ toDecide: z.number().int(), decided: z.number().int() });
export type Notices = z.infer<typeof notices>;
export const NOTICES_COUNTED = 100;
