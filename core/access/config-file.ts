import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { email, text } from '../api/common.ts';
import { groupName } from '../api/groups.ts';
import type { FieldError } from '../errors.ts';
import { BUILT_IN_ROLES, PERMISSIONS, type Permission } from './permissions.ts';
import { policyValues, type PolicyValues } from './policy.ts';
import { TEMPLATE_ROLES } from './template-acl.ts';

/**
 * Groups, roles, access lists and policy of an organisation as one file. It speaks in names (people by e-mail address), so that
 * it can be read, reviewed and moved. A section that the file does not have is left alone; one that it has is meant wholly,
 * but for `templates`: a template that it does not name stays as it is, and so does what it does not say of one.
 */

const name = text(60);
const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]]);

/** `user pat@example.com` or `group Devs`; where a list may name everybody also `everyone`. */
const party = z.string().transform((value, context) => {
  const [, kind, rest = ''] = /^(user|group)\s+(.+)$/.exec(value.trim()) ?? [];
  const parsed = kind === 'user' ? email.safeParse(rest) : kind === 'group' ? groupName.safeParse(rest) : null;
  if (parsed?.success) return `${kind} ${parsed.data}`;
  context.addIssue({ code: 'custom', message: 'must be “user ” and an e-mail address, or “group ” and a name' });
  return z.NEVER;
});
const partyOrEveryone = z.union([z.literal('everyone'), party], {
  error: 'must be everyone, “user ” and an e-mail address, or “group ” and a name',
});
/** With milliseconds, as the API tells it: times are compared as text. */
const expiresAt = z.iso
  .datetime('must be a time in UTC, such as 2026-06-01T12:00:00Z')
  .transform((value) => new Date(value).toISOString())
  .nullable()
  .default(null);
/** Short for who is in it for good. */
const member = z.union([party.transform((who) => ({ who, expiresAt: null })), z.strictObject({ who: party, expiresAt })], {
  error: 'must be “user ” and an e-mail address, or “group ” and a name, or that as who: with expiresAt: beside it',
});
const policy = policyValues as unknown as z.ZodType<PolicyValues>;

const role = z.strictObject({ name, description: text(300, 0).default(''), permissions: z.array(permission).min(1) });
const group = z.strictObject({
  name: groupName,
  description: text(300, 0).default(''),
  managers: z.array(email).max(50).default([]),
  members: z.array(member).default([]),
});
const assignment = z.strictObject({ role: name, who: party, expiresAt });
const access = z.strictObject({ who: partyOrEveryone, role: z.enum(TEMPLATE_ROLES), expiresAt });
const template = z.strictObject({ name: text(40), access: z.array(access).max(200).optional(), policy: policy.optional() });

export type RoleConfig = z.infer<typeof role>;
export type MemberConfig = z.infer<typeof member>;
export type GroupConfig = z.infer<typeof group>;
export type AssignmentConfig = z.infer<typeof assignment>;
export type AccessConfig = z.infer<typeof access>;

/** Of a template the list, the policy, or both. */
export type TemplateConfig = z.infer<typeof template>;

/** Whole sections of an organisation as they stand. */
export interface Config {
  policy: PolicyValues;
  roles: RoleConfig[];
  groups: GroupConfig[];
  assignments: AssignmentConfig[];
  templates: Array<{ name: string; access: AccessConfig[]; policy: PolicyValues }>;
}
export const CONFIG_SECTIONS = ['policy', 'roles', 'groups', 'assignments', 'templates'] as const satisfies ReadonlyArray<keyof Config>;
export type ConfigSection = (typeof CONFIG_SECTIONS)[number];

export const configFile = z
  .strictObject({
    version: z.literal(1, 'must be 1'),
    policy: policy.optional(),
    roles: z.array(role).optional(),
    groups: z.array(group).optional(),
    assignments: z.array(assignment).optional(),
    templates: z.array(template).optional(),
  })
  .superRefine((file, context) => {
    for (const { path, message } of inconsistencies(file)) context.addIssue({ code: 'custom', path: path.split('.'), message });
  });
/** What a file says: a section that is not there is undefined. */
export type Sections = { [S in Exclude<ConfigSection, 'templates'>]?: Config[S] | undefined } & {
  templates?: TemplateConfig[] | undefined;
};
export type ConfigFile = Sections & { version: 1 };

/** Two names are the same name, whatever their case. */
export const sameName = (value: string): string => value.toLowerCase();

function inconsistencies(file: Sections): FieldError[] {
  const { roles = [], groups = [], assignments = [], templates = [] } = file;
  return [
    ...repeated(
      'roles',
      roles.map((each) => sameName(each.name)),
    ),
    ...repeated(
      'groups',
      groups.map((each) => sameName(each.name)),
    ),
    ...repeated(
      'templates',
      templates.map((each) => sameName(each.name)),
    ),
    ...repeated(
      'assignments',
      assignments.map((each) => sameName(`${each.role} ${each.who}`)),
    ),
    ...groups.flatMap(({ members, managers }, index) => [
      ...repeated(
        `groups.${index}.members`,
        members.map(({ who }) => sameName(who)),
      ),
      ...repeated(`groups.${index}.managers`, managers),
    ]),
    ...templates.flatMap((each, index) =>
      repeated(
        `templates.${index}.access`,
        (each.access ?? []).map(({ who }) => sameName(who)),
      ),
    ),
    ...roles.flatMap((each, index) =>
      sameName(each.name) in BUILT_IN_ROLES ? [{ path: `roles.${index}.name`, message: 'is the name of a built-in role' }] : [],
    ),
    ...assignments.flatMap(({ role: given }, index) =>
      sameName(given) === 'member' ? [{ path: `assignments.${index}.role`, message: 'is everybody’s without being given' }] : [],
    ),
    ...circles(groups),
  ];
}

const repeated = (path: string, keys: string[]): FieldError[] =>
  keys.flatMap((key, index) => (keys.indexOf(key) < index ? [{ path: `${path}.${index}`, message: 'is named twice' }] : []));

/** Groups that would contain themselves, each told once with its circle. */
function circles(groups: readonly GroupConfig[]): FieldError[] {
  const members = new Map(
    groups.map((each) => [sameName(each.name), each.members.flatMap(({ who }) => (who.startsWith('group ') ? [who.slice(6)] : []))]),
  );
  const done = new Set<string>();
  const found: FieldError[] = [];
  const walk = (at: string, path: string[]): void => {
    const key = sameName(at);
    const seen = path.findIndex((each) => sameName(each) === key);
    if (seen >= 0) {
      const index = groups.findIndex((each) => sameName(each.name) === key);
      found.push({ path: `groups.${index}.members`, message: `closes a circle: ${[...path.slice(seen), at].join(' → ')}` });
    } else if (!done.has(key)) {
      for (const member of members.get(key) ?? []) walk(member, [...path, at]);
      done.add(key);
    }
  };
  for (const each of groups) walk(each.name, []);
  return found;
}

/** Thrown for a file that can't be meant; each error says where. */
export class ConfigFaulty extends Error {
  readonly errors: FieldError[];

  constructor(errors: FieldError[]) {
    super(errors.map(({ path, message }) => (path === '' ? message : `${path} ${message}`)).join('\n'));
    this.name = 'ConfigFaulty';
    this.errors = errors;
  }
}

/** @throws ConfigFaulty */
export function parseConfig(source: string): ConfigFile {
  const document = parseDocument(source, { schema: 'core', uniqueKeys: true, prettyErrors: true });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) throw new ConfigFaulty(broken.map(({ message }) => ({ path: '', message: message.split('\n')[0] ?? message })));
  const parsed = configFile.safeParse(plainOf(document));
  if (parsed.success) return parsed.data;
  throw new ConfigFaulty(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
}

/** @throws ConfigFaulty for aliases that unfold without end */
function plainOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigFaulty([{ path: '', message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Finds the line of a file that a path of a `FieldError` leads to, or the nearest above it; null where none does. */
export function lineFinder(source: string): (path: string) => number | null {
  const lineCounter = new LineCounter();
  const document = parseDocument(source, { schema: 'core', lineCounter });
  return (path) => {
    const keys = path.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    for (let length = path === '' ? 0 : keys.length; length > 0; length--) {
      const around: unknown = document.getIn(keys.slice(0, length - 1), true);
      // What stands under a name begins with the name.
      const pair = isMap(around) ? around.items.find(({ key }) => isScalar(key) && key.value === keys[length - 1]) : undefined;
      const found: unknown = pair?.key ?? document.getIn(keys.slice(0, length), true);
      if (isNode(found) && found.range) return lineCounter.linePos(found.range[0]).line;
    }
    return null;
  };
}
