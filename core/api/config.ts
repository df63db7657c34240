import { z } from 'zod';
import { CONFIG_SECTIONS } from '../access/config-file.ts';
import { TEMPLATE_ROLES } from '../access/template-acl.ts';
import { idSchema } from '../ids.ts';
import { time } from './common.ts';
import { GROUP_SOURCES } from './groups.ts';
import { permission } from './identity.ts';
import { assignableRole } from './roles.ts';
import { aclSubject } from './templates.ts';

const line = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) => z.object({ kind: z.literal(kind), ...shape });
const revision = z.number().int();
/** As it is stored: what reads the lines parses the values with `policyValues`. */
const values = z.record(z.string(), z.unknown());

/**
 * The export of an organisation's rules, a line of JSON for each thing; what others name by id comes before them. It is whole only
 * with its `end`: an answer that breaks off has none.
 */
export const configLine = z.discriminatedUnion('kind', [
  /** the caller may not see that section */
  line('withheld', { section: z.enum(CONFIG_SECTIONS), permission }),
  line('policy', { values, revision }),
  line('user', { id: idSchema('user'), email: z.string() }),
  line('role', { id: idSchema('role'), name: z.string(), description: z.string(), permissions: z.array(permission), revision }),
  line('group', { id: idSchema('group'), name: z.string(), description: z.string(), source: z.enum(GROUP_SOURCES), revision }),
  line('manager', { group: idSchema('group'), user: idSchema('user') }),
  line('member', { group: idSchema('group'), id: z.union([idSchema('user'), idSchema('group')]), expiresAt: time.nullable() }),
  line('assignment', {
    ...{ id: idSchema('roleAssignment'), role: assignableRole },
    ...{ subject: z.union([idSchema('user'), idSchema('group')]), expiresAt: time.nullable() },
  }),
  /** `revision`: of its access list */
  line('template', { id: idSchema('template'), name: z.string(), revision, policy: values, policyRevision: revision }),
  line('entry', {
    ...{ template: idSchema('template'), subject: aclSubject, role: z.enum(TEMPLATE_ROLES) },
    ...{ expiresAt: time.nullable(), grantId: idSchema('accessRequest').nullable() },
  }),
  line('end', { lines: z.number().int() }),
]);
export type ConfigLine = z.infer<typeof configLine>;
