import { z } from 'zod';
import { TEMPLATE_ROLES } from '../access/template-acl.ts';
import { idSchema } from '../ids.ts';
import { listOf, page, text, time } from './common.ts';

export const GROUP_SOURCES = ['local', 'scim', 'oidc'] as const;
/** Members that one request may add and remove together. */
export const MEMBERS_AT_ONCE = 200;
/** Ways that are told of how somebody is in a group. */
export const WAYS_TOLD = 5;

export const searched = page.extend({ q: text(100, 0).optional() });

export const groupRef = z.object({ id: idSchema('group'), name: z.string() });
const userRef = z.object({ id: idSchema('user'), name: z.string() });

export const groupName = text(80);
export const groupCreate = z.object({ name: groupName, description: text(300, 0).default('') });
export const groupUpdate = z.object({ name: groupName, description: text(300, 0) }).partial();

export const group = z.object({
  id: idSchema('group'),
  name: z.string(),
  description: z.string(),
  source: z.enum(GROUP_SOURCES),
  /** direct ones */
  users: z.number().int(),
  groups: z.number().int(),
  createdAt: time,
});
export type Group = z.infer<typeof group>;
export const groupList = listOf(group);

/** What a group gives to those in it. `from`: the group above that gives it; null when it is this one. */
export const groupGrants = z.object({
  roles: z.array(z.object({ role: z.string(), name: z.string(), expiresAt: time.nullable(), from: groupRef.nullable() })),
  templates: z.array(
    z.object({
      template: z.object({ id: idSchema('template'), name: z.string() }),
      role: z.enum(TEMPLATE_ROLES),
      expiresAt: time.nullable(),
      from: groupRef.nullable(),
    }),
  ),
});
export type GroupGrants = z.infer<typeof groupGrants>;

export const groupDetail = group.extend({
  /** people in it, directly or through other groups */
  people: z.number().int(),
  managers: z.array(userRef.extend({ email: z.string() })),
  /** the groups that it is in directly, and until when */
  parents: z.array(groupRef.extend({ expiresAt: time.nullable() })),
  grants: groupGrants,
  /** what the caller may do with it */
  may: z.object({ editMembers: z.boolean(), change: z.boolean() }),
});
export type GroupDetail = z.infer<typeof groupDetail>;

export const groupDelete = z.object({
  /** `remove`: also when the group gives access to something, which is then lost */
  grants: z.enum(['keep', 'remove']).default('keep'),
});

export const memberRef = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), id: idSchema('user') }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
]);
export type MemberRef = z.infer<typeof memberRef>;

/** Until when: left out, who is in stays as they are, and who comes, comes for good. */
const until = { expiresAt: time.nullable().optional() };
const addedMember = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), id: idSchema('user'), ...until }),
  z.object({ type: z.literal('group'), id: idSchema('group'), ...until }),
]);
export type AddedMember = z.infer<typeof addedMember>;
export const membersUpdate = z
  .object({ add: z.array(addedMember).max(MEMBERS_AT_ONCE).default([]), remove: z.array(memberRef).max(MEMBERS_AT_ONCE).default([]) })
  .refine(({ add, remove }) => add.length + remove.length <= MEMBERS_AT_ONCE, `must name at most ${MEMBERS_AT_ONCE} members`);
/** `changed`: who was in already and has another end now, also from an end that had passed */
export const membersChanged = z.object({ added: z.number().int(), changed: z.number().int(), removed: z.number().int() });

/** Of the direct membership. One that has ended gives nothing, and stands until somebody takes it out or gives it a new end. */
const ending = { expiresAt: time.nullable(), lapsed: z.boolean() };
/** when each of the ways ends, the earliest end along it */
const pathEnds = z.array(time.nullable());

export const member = z.object({
  type: z.enum(['user', 'group']),
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  state: z.enum(['active', 'suspended', 'deactivated']).nullable(),
  direct: z.boolean(),
  ...ending,
  /** how it is in the group other than directly: the groups on each way, the nearest to the group first; at most five ways */
  paths: z.array(z.array(groupRef)),
  pathEnds,
});
export type Member = z.infer<typeof member>;
export const memberList = listOf(member);
export const membersQuery = searched.extend({ show: z.enum(['all', 'direct', 'inherited']).default('all') });

export const candidate = z.object({ type: z.enum(['user', 'group']), id: z.string(), name: z.string(), email: z.string().nullable() });
export type Candidate = z.infer<typeof candidate>;
export const candidateList = z.object({ items: z.array(candidate) });
/** `member`: people and groups that are not in it directly; `manager`: people */
export const candidatesQuery = z.object({ q: text(100), as: z.enum(['member', 'manager']).default('member') });

export const managersPut = z.object({ items: z.array(idSchema('user')).max(50) });

export const membershipsQuery = z.object({ subject: z.union([idSchema('user'), idSchema('group')]) });
export const membership = z.object({
  group: groupRef.extend({ source: z.enum(GROUP_SOURCES) }),
  direct: z.boolean(),
  ...ending,
  /** the groups on each way from that group down to the one that holds the subject, the upper first; at most five ways */
  paths: z.array(z.array(groupRef)),
  pathEnds,
});
export type GroupMembership = z.infer<typeof membership>;
export const membershipList = z.object({ items: z.array(membership) });
