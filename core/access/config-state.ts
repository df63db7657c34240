import type { ConfigLine } from '../api/config.ts';
import type { GROUP_SOURCES } from '../api/groups.ts';
import type { FieldError } from '../errors.ts';
import { sameName, type Config, type ConfigFile, type ConfigSection, type Sections } from './config-file.ts';
import { canonical, inForceAt, writeConfig } from './config-text.ts';
import type { BuiltInRole, Permission } from './permissions.ts';
import { policyValues, type PolicyValues } from './policy.ts';
import type { AclEntry } from './template-acl.ts';

type LineOf<K extends ConfigLine['kind']> = Extract<ConfigLine, { kind: K }>;

/** An entry of a list as it is sent back. */
export type ListedEntry = AclEntry & { grantId: string | null };

/** An organisation's rules by name, and under which id and in which version the API knows each. Names are in small letters. */
export interface ConfigState {
  config: Config;
  /** sections that the caller may not see, with the permission that is missing; in `config` they are empty */
  withheld: Map<ConfigSection, Permission>;
  policyRevision: number;
  /** by e-mail address */
  people: Map<string, string>;
  groups: Map<string, { id: string; revision: number; source: (typeof GROUP_SOURCES)[number] }>;
  roles: Map<string, { id: string; revision: number }>;
  /** `subject`: id of the person or the group */
  assignments: Map<string, { id: string; role: string; subject: string }>;
  /** lists whole: with what was granted by request and what has ended */
  templates: Map<string, { id: string; revision: number; policyRevision: number; entries: ListedEntry[] }>;
}

/** Key of an assignment in a state. */
export const assignmentKey = ({ role, who }: { role: string; who: string }): string => sameName(`${role}\n${who}`);

/** Thrown for an export that broke off: half of it would be planned as if the other half were not there. */
export class ConfigIncomplete extends Error {
  constructor() {
    super('The export broke off before its end');
    this.name = 'ConfigIncomplete';
  }
}

/** @throws ConfigIncomplete */
export function stateOf(lines: readonly ConfigLine[]): ConfigState {
  const end = lines.at(-1);
  if (end?.kind !== 'end' || end.lines !== lines.length - 1) throw new ConfigIncomplete();
  const all = <K extends ConfigLine['kind']>(kind: K) => lines.filter((line): line is LineOf<K> => line.kind === kind);
  const [users, groups, roles, templates] = [all('user'), all('group'), all('role'), all('template')];
  const names = new Map([
    ...users.map(({ id, email }): [string, string] => [id, `user ${email}`]),
    ...groups.map(({ id, name }): [string, string] => [id, `group ${name}`]),
  ]);
  const roleNames = new Map(roles.map(({ id, name }): [string, string] => [id, name]));
  const assignments = all('assignment').flatMap(({ id, role, subject, expiresAt }) => {
    const who = names.get(subject);
    return who === undefined ? [] : [{ id, role: roleNames.get(role) ?? (role as BuiltInRole), subject, who, expiresAt }];
  });
  const entries = grouped(all('entry'), ({ template }) => template);
  const policy = all('policy')[0];
  return {
    config: {
      policy: valuesOf(policy?.values ?? {}),
      roles: roles.map(({ name, description, permissions }) => ({ name, description, permissions })),
      groups: groupsOf(groups, all('manager'), all('member'), names),
      assignments: assignments.map(({ role, who, expiresAt }) => ({ role, who, expiresAt })),
      templates: templates.map(({ id, name, policy: values }) => ({
        ...{ name, policy: valuesOf(values) },
        access: (entries.get(id) ?? []).flatMap((entry) => accessOf(entry, names)),
      })),
    },
    withheld: new Map(all('withheld').map(({ section, permission }) => [section, permission])),
    policyRevision: policy?.revision ?? 0,
    people: new Map(users.map(({ id, email }) => [email, id])),
    groups: new Map(groups.map(({ id, name, revision, source }) => [sameName(name), { id, revision, source }])),
    roles: new Map(roles.map(({ id, name, revision }) => [sameName(name), { id, revision }])),
    assignments: new Map(
      assignments.map((each) => [assignmentKey(each), { id: each.id, role: sameName(each.role), subject: each.subject }]),
    ),
    templates: new Map(
      templates.map(({ id, name, revision, policyRevision }) => [
        sameName(name),
        { id, revision, policyRevision, entries: (entries.get(id) ?? []).map(({ kind: _, template: _of, ...entry }) => entry) },
      ]),
    ),
  };
}

function grouped<T>(all: readonly T[], key: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const known = groups.get(key(each));
    if (known) known.push(each);
    else groups.set(key(each), [each]);
  }
  return groups;
}

const valuesOf = (values: unknown): PolicyValues => policyValues.parse(values);

function groupsOf(
  groups: ReadonlyArray<LineOf<'group'>>,
  managers: ReadonlyArray<LineOf<'manager'>>,
  members: ReadonlyArray<LineOf<'member'>>,
  names: ReadonlyMap<string, string>,
): Config['groups'] {
  const managed = grouped(managers, ({ group }) => group);
  const held = grouped(members, ({ group }) => group);
  return groups.map(({ id, name, description, source }) => ({
    ...{ name, description },
    managers: (managed.get(id) ?? []).flatMap(({ user }) => names.get(user)?.slice('user '.length) ?? []),
    // Who is in a group that an identity provider keeps is said there, and not here, too.
    members: (source === 'local' ? (held.get(id) ?? []) : []).flatMap(({ id: member, expiresAt }) => {
      const who = names.get(member);
      return who === undefined ? [] : [{ who, expiresAt }];
    }),
  }));
}

/** What was granted by request ends with that, and is in no file. */
function accessOf({ subject, role, expiresAt, grantId }: LineOf<'entry'>, names: ReadonlyMap<string, string>) {
  const who = subject.type === 'everyone' ? 'everyone' : names.get(subject.id);
  return who === undefined || grantId !== null ? [] : [{ who, role, expiresAt }];
}

/** The sections that the caller may see. */
const visibleSections = ({ config, withheld }: ConfigState): Sections =>
  Object.fromEntries(Object.entries(config).filter(([section]) => !withheld.has(section as ConfigSection)));

/** What may be seen of an organisation and is in force. */
export const exportedConfig = (state: ConfigState, now: string): Sections => canonical(inForceAt(visibleSections(state), now));

/** The same as a file, which says what it is without. */
export function exportedFile(state: ConfigState, now: string): string {
  const without = [...state.withheld].map(([section, permission]) => `# Without ${section}: to see them needs ${permission}.\n`);
  return without.join('') + writeConfig(exportedConfig(state, now));
}

/** What keeps a file from being applied by somebody who sees this much, to this organisation: it needs an owner, and may keep groups elsewhere. */
export function outOfReach({ withheld, groups }: ConfigState, wanted: ConfigFile): FieldError[] {
  const faults = [...withheld].flatMap(([section, permission]) =>
    wanted[section] === undefined ? [] : [{ path: section, message: `can’t be compared: to see them needs ${permission}` }],
  );
  const owner = wanted.assignments?.some(({ role, expiresAt }) => sameName(role) === 'owner' && expiresAt === null) ?? true;
  if (!owner) faults.push({ path: 'assignments', message: 'must give somebody the role owner for good: an organisation always has one' });
  if (wanted.groups === undefined || withheld.has('groups')) return faults;
  const named = new Set(wanted.groups.map(({ name }) => sameName(name)));
  const kept = (name: string) => (groups.get(sameName(name))?.source ?? 'local') !== 'local';
  return [
    ...faults,
    ...wanted.groups.flatMap(({ name, members }, index) =>
      kept(name) && members.length > 0
        ? [{ path: `groups.${index}.members`, message: `must be left out: your identity provider keeps the group ${name}` }]
        : [],
    ),
    ...[...groups.keys()]
      .filter((name) => kept(name) && !named.has(name))
      .map((name) => ({
        path: 'groups',
        message: `must name the group ${name}: your identity provider keeps it, and only there it is deleted`,
      })),
  ];
}
