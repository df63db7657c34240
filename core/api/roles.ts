import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { listOf, text, time } from './common.ts';
import { groupRef, searched } from './groups.ts';
import { builtInRole, permission } from './identity.ts';

/** A built-in role by its name, or a custom one by its id. */
export const roleId = z.union([builtInRole, idSchema('role')]);
/** Everybody is a member without being given it. */
export const assignableRole = z.union([builtInRole.exclude(['member']), idSchema('role')]);

const permissions = z
  .array(permission)
  .min(1, 'must name at least one permission')
  .max(100)
  .transform((all) => [...new Set(all)]);
export const roleCreate = z.object({ name: text(60), description: text(300, 0).default(''), permissions });
export const roleUpdate = z.object({ name: text(60), description: text(300, 0), permissions }).partial();

export const role = z.object({
  id: roleId,
  name: z.string(),
  description: z.string(),
  builtIn: z.boolean(),
  permissions: z.array(permission),
  /** to how many people, groups and service accounts it is given */
  holders: z.number().int(),
  createdAt: time.nullable(),
});
export type Role = z.infer<typeof role>;
/** The built-in ones come first, then those of the organisation by name. */
export const roleList = z.object({ items: z.array(role) });

export const SUBJECT_TYPES = ['user', 'group', 'service-account'] as const;
export const roleSubject = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), id: idSchema('user') }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
]);
export type RoleSubject = z.infer<typeof roleSubject>;

export const assignmentCreate = z.object({ role: assignableRole, subject: roleSubject, expiresAt: time.nullable().default(null) });
export const assignmentUpdate = z.object({ expiresAt: time.nullable() });

export const assignment = z.object({
  id: idSchema('roleAssignment'),
  role: z.object({ id: roleId, name: z.string(), builtIn: z.boolean() }),
  subject: z.object({ type: z.enum(SUBJECT_TYPES), id: z.string(), name: z.string(), email: z.string().nullable() }),
  expiresAt: time.nullable(),
  createdAt: time,
  createdBy: z.string().nullable(),
  /** of a list for one subject: the groups from the one that has the role down to the one that holds the subject; empty when it is its own */
  path: z.array(groupRef),
  /** when that way ends, though the role goes on; null: as long as the role */
  pathEndsAt: time.nullable(),
});
export type Assignment = z.infer<typeof assignment>;
export const assignmentList = listOf(assignment);

/** With a subject: what it has, its own and through groups, on one page. Else everybody's, page by page. */
export const assignmentsQuery = searched.extend({
  subject: z.union([idSchema('user'), idSchema('group'), idSchema('serviceAccount')]).optional(),
  role: roleId.optional(),
});
