import { z } from 'zod';
import { MAPPING_KINDS, patternFault } from '../access/group-mapping.ts';
import { idSchema } from '../ids.ts';
import { text, time } from './common.ts';
import { groupRef } from './groups.ts';
import { assignableRole } from './roles.ts';

/** that one provider may have */
export const MAPPINGS_LIMIT = 200;

/** What a directory's group gives to those in it. */
export const mappingTarget = z.discriminatedUnion('type', [
  z.object({ type: z.literal('role'), id: assignableRole }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
  z.object({ type: z.literal('template'), id: idSchema('template') }),
]);
export type MappingTarget = z.infer<typeof mappingTarget>;

export const mappingCreate = z
  .object({ kind: z.enum(MAPPING_KINDS), pattern: text(200), target: mappingTarget })
  .superRefine((rule, context) => {
    const fault = patternFault(rule);
    if (fault !== null) context.addIssue({ code: 'custom', path: ['pattern'], message: fault });
  });

export const groupMapping = z.object({
  id: idSchema('groupMapping'),
  kind: z.enum(MAPPING_KINDS),
  pattern: z.string(),
  target: z.object({ type: z.enum(['role', 'group', 'template']), id: z.string(), name: z.string() }),
  /** of the directory, that it is about now */
  groups: z.array(groupRef),
  createdAt: time,
  createdBy: z.string(),
});
export type GroupMapping = z.infer<typeof groupMapping>;
export const groupMappingList = z.object({ items: z.array(groupMapping) });

/** What a mapping would do. */
export const mappingPreview = z.object({
  groups: z.array(groupRef.extend({ people: z.number().int(), has: z.boolean() })),
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
      kind: z.enum(['suspended-by-hand', 'active-here', 'mapping-missing']),
      subject: z.object({ type: z.enum(['user', 'group']), id: z.string(), name: z.string() }),
      directory: z.string(),
      here: z.string(),
      /** whether comparing again would mend it */
      mendable: z.boolean(),
    }),
  ),
});
export type Drift = z.infer<typeof drift>;
export const synced = z.object({ mended: z.number().int(), left: z.number().int() });
