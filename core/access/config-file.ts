import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { email, text, time } from '../api/common.ts';
import type { FieldError } from '../errors.ts';
import { BUILT_IN_ROLES, PERMISSIONS, type Permission } from './permissions.ts';
import { TEMPLATE_ROLES } from './template-acl.ts';

/**
 * Groups, roles and access lists of an organisation as one file. It speaks in names (people by e-mail address), so that it
 * can be read, reviewed and moved. A section that the file does not have is left alone; one that it has is meant wholly,
 * but for `templates`: a template that it does not name keeps its list.
 */

const name = text(60);
const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]]);

/** `user pat@example.com` or `group Devs`; where a list may name everybody also `everyone`. */
const party = z.string().transform((value, context) => {
  const [, kind, rest = ''] = /^(user|group)\s+(.+)$/.exec(value.trim()) ?? [];
  const parsed = kind === 'user' ? email.safeParse(rest) : kind === 'group' ? name.safeParse(rest) : null;
  if (parsed?.success) return `${kind} ${parsed.data}`;
  context.addIssue({ code: 'custom', message: 'must be “user ” and an e-mail address, or “group ” and a name' });
  return z.NEVER;
});
const partyOrEveryone = z.union([z.literal('everyone'), party], {
  error: 'must be everyone, “user ” and an e-mail address, or “group ” and a name',
});
const expiresAt = time.nullable().default(null);

const role = z.strictObject({ name, description: text(300, 0).default(''), permissions: z.array(permission).min(1) });
const group = z.strictObject({
  name,
  description: text(300, 0).default(''),
  managers: z.array(email).default([]),
  members: z.array(party).default([]),
});
const assignment = z.strictObject({ role: name, who: party, expiresAt });
const access = z.strictObject({ who: partyOrEveryone, role: z.enum(TEMPLATE_ROLES), expiresAt });
const template = z.strictObject({ name: text(40), access: z.array(access) });

export type RoleConfig = z.infer<typeof role>;
export type GroupConfig = z.infer<typeof group>;
export type AssignmentConfig = z.infer<typeof assignment>;
export type AccessConfig = z.infer<typeof access>;

/** Whole sections of an organisation as they stand. */
export interface Config {
  roles: RoleConfig[];
  groups: GroupConfig[];
  assignments: AssignmentConfig[];
  templates: Array<{ name: string; access: AccessConfig[] }>;
}

export const configFile = z
  .strictObject({
    version: z.literal(1),
    roles: z.array(role).optional(),
    groups: z.array(group).optional(),
    assignments: z.array(assignment).optional(),
    templates: z.array(template).optional(),
  })
  .superRefine((file, context) => {
    for (const { path, message } of inconsistencies(file)) context.addIssue({ code: 'custom', path: path.split('.'), message });
  });
/** What a file says: a section that is not there is undefined. */
type Sections = { [Section in keyof Config]?: Config[Section] | undefined };
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
      ...repeated(`groups.${index}.members`, members.map(sameName)),
      ...repeated(`groups.${index}.managers`, managers),
    ]),
    ...templates.flatMap((each, index) =>
      repeated(
        `templates.${index}.access`,
        each.access.map(({ who }) => sameName(who)),
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
    groups.map((each) => [sameName(each.name), each.members.filter((who) => who.startsWith('group ')).map((who) => who.slice(6))]),
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

/** The file, always the same for the same rules: everything sorted by name, what says nothing left out. */
export function writeConfig(config: Sections): string {
  const { roles, groups, assignments, templates } = canonical(config);
  const file = {
    version: 1,
    ...(roles && { roles: roles.map(spare) }),
    ...(groups && { groups: groups.map(spare) }),
    ...(assignments && { assignments: assignments.map(spare) }),
    ...(templates && { templates: templates.map((each) => ({ name: each.name, access: each.access.map(spare) })) }),
  };
  return stringify(file, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Without what is the default anyway. */
const spare = (value: object) =>
  Object.fromEntries(
    Object.entries(value).filter(([, each]) => each !== null && each !== '' && !(Array.isArray(each) && each.length === 0)),
  );

const by =
  <T>(key: (each: T) => string) =>
  (a: T, b: T): number => {
    const [one, other] = [key(a), key(b)];
    return one < other ? -1 : one > other ? 1 : 0;
  };

/** Sorted, with the keys of each thing in one order: equal rules are equal as JSON. */
export function canonical({ roles, groups, assignments, templates }: Sections): Partial<Config> {
  return {
    ...(roles && {
      roles: roles
        .map((each) => ({ name: each.name, description: each.description, permissions: [...new Set(each.permissions)].sort() }))
        .sort(by((each) => each.name)),
    }),
    ...(groups && {
      groups: groups
        .map((each) => ({
          ...{ name: each.name, description: each.description, managers: each.managers.toSorted(), members: each.members.toSorted() },
        }))
        .sort(by((each) => each.name)),
    }),
    ...(assignments && {
      assignments: assignments
        .map((each) => ({ role: each.role, who: each.who, expiresAt: each.expiresAt }))
        .sort(by((each) => `${each.role}\n${each.who}`)),
    }),
    ...(templates && {
      templates: templates
        .map((each) => ({
          name: each.name,
          access: each.access
            .map(({ who, role: given, expiresAt: ends }) => ({ who, role: given, expiresAt: ends }))
            .sort(by(({ who }) => who)),
        }))
        .sort(by((each) => each.name)),
    }),
  };
}
