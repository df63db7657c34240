import { z } from 'zod';
import { MADE_GROUP_ENDS, MAPPING_KINDS, madeNameFault, patternFault } from '../access/group-mapping.ts';
import { idSchema } from '../ids.ts';
import { text, time } from './common.ts';
import { groupName, groupRef } from './groups.ts';
import { assignableRole } from './roles.ts';

/** that one provider may have */
export const MAPPINGS_LIMIT = 200;

export const MAPPING_TARGETS = ['role', 'group', 'template', 'made-group'] as const;

/** What a directory's group gives to those in it. */
export const mappingTarget = z.discriminatedUnion('type', [
  z.object({ type: z.literal('role'), id: assignableRole }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
  z.object({ type: z.literal('template'), id: idSchema('template') }),
  z.object({
    type: z.literal('made-group'),
    name: groupName.describe('of the group that is made; $1 is the rest of the name, or what the expression caught'),
    whenGone: z.enum(MADE_GROUP_ENDS).default('empty').describe('what becomes of it once the directory’s group is gone'),
  }),
]);
export type MappingTarget = z.infer<typeof mappingTarget>;

export const mappingCreate = z
  .object({ kind: z.enum(MAPPING_KINDS), pattern: text(200), target: mappingTarget })
  .superRefine((rule, context) => {
    const fault = patternFault(rule);
    if (fault !== null) context.addIssue({ code: 'custom', path: ['pattern'], message: fault });
    const name = rule.target.type === 'made-group' && fault === null ? madeNameFault({ ...rule, name: rule.target.name }) : null;
    if (name !== null) context.addIssue({ code: 'custom', path: ['target', 'name'], message: name });
  });

export const groupMapping = z.object({
  id: idSchema('groupMapping'),
  kind: z.enum(MAPPING_KINDS),
  pattern: z.string(),
  /** `id` of a group that is made: the pattern of its name */
  target: z.object({ type: z.enum(MAPPING_TARGETS), id: z.string(), name: z.string(), whenGone: z.enum(MADE_GROUP_ENDS).nullable() }),
  /** of the directory, that it is about now */
  groups: z.array(groupRef),
  createdAt: time,
  createdBy: z.string(),
});
export type GroupMapping = z.infer<typeof groupMapping>;
export const groupMappingList = z.object({ items: z.array(groupMapping) });

/**
 * What becomes of a group that a mapping is to make: it is made, or the mapping keeps it already; or it is not, since another group has
 * the name, no name comes out, or there are as many groups as there may be.
 */
export const made = z.object({
  name: z.string(),
  outcome: z.enum(['make', 'join', 'taken', 'no-name', 'full']),
  /** who has the name */
  by: groupRef.extend({ handMade: z.boolean() }).nullable(),
});
export type Made = z.infer<typeof made>;

/** What a mapping would do. */
export const mappingPreview = z.object({
  groups: z.array(groupRef.extend({ people: z.number().int(), has: z.boolean(), makes: made.nullable() })),
  /** who would get something that they do not have through these groups */
  people: z.number().int(),
});
export type MappingPreview = z.infer<typeof mappingPreview>;

/** A group as the directory keeps it here. */
export const directoryGroup = groupRef.extend({
  /** as the directory calls it */
  displayName: z.string(),
  externalId: z.string().nullable(),
  people: z.number().int(),
  gives: z.array(z.object({ type: z.enum(['role', 'group', 'template']), name: z.string(), byMapping: z.boolean() })),
});
export const directoryGroupList = z.object({ items: z.array(directoryGroup) });

/** Where what is here is not what the directory says. */
export const drift = z.object({
  items: z.array(
    z.object({
      kind: z.enum(['suspended-by-hand', 'active-here', 'mapping-missing', 'not-made']),
      subject: z.object({ type: z.enum(['user', 'group']), id: z.string(), name: z.string() }),
      directory: z.string(),
      here: z.string(),
      /** whether comparing again would mend it */
      mendable: z.boolean(),
      /** a group made by hand has the name: it can be handed over to the mapping */
      handOver: z.object({ mapping: idSchema('groupMapping'), group: groupRef }).nullable(),
    }),
  ),
});
export type Drift = z.infer<typeof drift>;
export const groupHandOver = z.object({ group: idSchema('group') });
export const synced = z.object({ mended: z.number().int(), left: z.number().int() });
