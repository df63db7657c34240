import type { FieldError } from '../errors.ts';
import {
  sameName,
  type AccessConfig,
  type AssignmentConfig,
  type Config,
  type ConfigFile,
  type GroupConfig,
  type RoleConfig,
} from './config-file.ts';
import { BUILT_IN_ROLES } from './permissions.ts';

/** One step from what is to what a file wants. */
export type Change = { words: string } & (
  | { kind: 'role.create' | 'role.update'; role: RoleConfig }
  | { kind: 'role.delete'; name: string }
  | { kind: 'group.create' | 'group.update'; name: string; description: string }
  | { kind: 'group.delete'; name: string }
  | { kind: 'member.add' | 'member.remove'; group: string; who: string }
  | { kind: 'manager.add' | 'manager.remove'; group: string; who: string }
  | { kind: 'assignment.set'; assignment: AssignmentConfig }
  | { kind: 'assignment.remove'; role: string; who: string }
  | { kind: 'access.set'; template: string; access: AccessConfig }
  | { kind: 'access.remove'; template: string; who: string }
);

/**
 * Steps in the order in which they can be taken: what others need is made first, then all is taken away and only then given,
 * so that groups that move never contain each other on the way, not even through one that goes.
 */
const ORDER: ReadonlyArray<Change['kind']> = [
  'role.create',
  'role.update',
  'group.create',
  'group.update',
  'access.remove',
  'assignment.remove',
  'manager.remove',
  'member.remove',
  'group.delete',
  'role.delete',
  'member.add',
  'manager.add',
  'assignment.set',
  'access.set',
];

/** What has to be done so that the organisation is as the file wants it; nothing where it is. */
export function planChanges(current: Config, wanted: ConfigFile): Change[] {
  const deleted = wanted.groups ? missingFrom(current.groups, wanted.groups, groupKey).map(groupKey) : [];
  const gone = new Set(deleted.map((key) => `group ${key}`));
  const changes = [
    ...(wanted.roles ? planRoles(current.roles, wanted.roles) : []),
    ...(wanted.groups ? planGroups(current.groups, wanted.groups, gone) : []),
    ...(wanted.assignments ? planAssignments(current.assignments, wanted.assignments) : []),
    ...(wanted.templates ?? []).flatMap((template) =>
      planAccess(
        template.name,
        current.templates.find((each) => sameName(each.name) === sameName(template.name))?.access ?? [],
        template.access,
      ),
    ),
  ];
  return changes.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

const groupKey = ({ name }: { name: string }) => sameName(name);
const missingFrom = <T>(before: readonly T[], after: readonly T[], key: (each: T) => string): T[] => {
  const kept = new Set(after.map(key));
  return before.filter((each) => !kept.has(key(each)));
};
const until = (expiresAt: string | null) => (expiresAt === null ? '' : ` until ${expiresAt}`);

function planRoles(before: readonly RoleConfig[], after: readonly RoleConfig[]): Change[] {
  const old = new Map(before.map((each) => [sameName(each.name), each]));
  const list = ({ permissions }: RoleConfig) => permissions.join(', ');
  const kept = after.flatMap((role): Change[] => {
    const known = old.get(sameName(role.name));
    if (!known) return [{ kind: 'role.create', role, words: `Make the role ${role.name}: ${list(role)}` }];
    const added = role.permissions.filter((each) => !known.permissions.includes(each));
    const removed = known.permissions.filter((each) => !role.permissions.includes(each));
    const parts = [
      ...(added.length > 0 ? [`give it ${added.join(', ')}`] : []),
      ...(removed.length > 0 ? [`take ${removed.join(', ')} from it`] : []),
      ...(known.name === role.name ? [] : [`write its name ${role.name}`]),
      ...(known.description === role.description ? [] : ['describe it anew']),
    ];
    return parts.length === 0 ? [] : [{ kind: 'role.update', role, words: `Change the role ${known.name}: ${parts.join(', ')}` }];
  });
  const removed = missingFrom(before, after, groupKey).map(({ name }): Change => ({
    kind: 'role.delete',
    name,
    words: `Delete the role ${name}, from everybody who has it`,
  }));
  return [...kept, ...removed];
}

function planGroups(before: readonly GroupConfig[], after: readonly GroupConfig[], gone: ReadonlySet<string>): Change[] {
  const old = new Map(before.map((each) => [groupKey(each), each]));
  const kept = after.flatMap((group): Change[] => {
    const { name, description } = group;
    const known = old.get(groupKey(group));
    const own: Change[] = !known
      ? [{ kind: 'group.create', name, description, words: `Make the group ${name}` }]
      : known.name === name && known.description === description
        ? []
        : [{ kind: 'group.update', name, description, words: `Change name or description of the group ${known.name}` }];
    return [
      ...own,
      ...planPeople('member', group, known?.members ?? [], group.members, gone),
      ...planPeople('manager', group, known?.managers ?? [], group.managers, gone),
    ];
  });
  const removed = missingFrom(before, after, groupKey).map(({ name }): Change => ({
    kind: 'group.delete',
    name,
    words: `Delete the group ${name}, with all that it was given`,
  }));
  return [...kept, ...removed];
}

/** A group that is deleted leaves every other by that. */
function planPeople(
  what: 'member' | 'manager',
  { name: group }: GroupConfig,
  before: readonly string[],
  after: readonly string[],
  gone: ReadonlySet<string>,
): Change[] {
  const as = what === 'member' ? 'to' : 'as a manager to';
  const from = what === 'member' ? 'from' : 'as a manager from';
  return [
    ...missingFrom(before, after, sameName)
      .filter((who) => !gone.has(sameName(who)))
      .map((who): Change => ({ kind: `${what}.remove`, group, who, words: `Remove ${who} ${from} the group ${group}` })),
    ...missingFrom(after, before, sameName).map((who): Change => ({
      kind: `${what}.add`,
      group,
      who,
      words: `Add ${who} ${as} the group ${group}`,
    })),
  ];
}

const assignmentKey = ({ role, who }: AssignmentConfig) => sameName(`${role}\n${who}`);

function planAssignments(before: readonly AssignmentConfig[], after: readonly AssignmentConfig[]): Change[] {
  const old = new Map(before.map((each) => [assignmentKey(each), each]));
  return [
    ...missingFrom(before, after, assignmentKey).map(({ role, who }): Change => ({
      kind: 'assignment.remove',
      role,
      who,
      words: `Take the role ${role} from ${who}`,
    })),
    ...after
      .filter((each) => old.get(assignmentKey(each))?.expiresAt !== each.expiresAt)
      .map((assignment): Change => ({
        kind: 'assignment.set',
        assignment,
        words: `Give ${assignment.who} the role ${assignment.role}${until(assignment.expiresAt)}`,
      })),
  ];
}

function planAccess(template: string, before: readonly AccessConfig[], after: readonly AccessConfig[]): Change[] {
  const key = ({ who }: AccessConfig) => sameName(who);
  const old = new Map(before.map((each) => [key(each), each]));
  return [
    ...missingFrom(before, after, key).map(({ who }): Change => ({
      kind: 'access.remove',
      template,
      who,
      words: `Take the template ${template} from ${who}`,
    })),
    ...after
      .filter((each) => old.get(key(each))?.role !== each.role || old.get(key(each))?.expiresAt !== each.expiresAt)
      .map((access): Change => ({
        kind: 'access.set',
        template,
        access,
        words: `Let ${access.who} ${access.role} the template ${template}${until(access.expiresAt)}`,
      })),
  ];
}

/** Names in a file that neither it nor the organisation knows; nothing is planned for a file that has some. */
export function unknownNames(current: Config, wanted: ConfigFile, people: ReadonlySet<string>): FieldError[] {
  const groups = new Set((wanted.groups ?? current.groups).map(groupKey));
  const roles = new Set([...Object.keys(BUILT_IN_ROLES), ...(wanted.roles ?? current.roles).map(groupKey)]);
  const templates = new Set(current.templates.map(groupKey));
  const who = (path: string, named: string): FieldError[] => {
    if (named === 'everyone') return [];
    const [kind, rest] = [named.slice(0, named.indexOf(' ')), named.slice(named.indexOf(' ') + 1)];
    if (kind === 'user') return people.has(rest) ? [] : [{ path, message: `names ${rest}, who is not in the organisation` }];
    return groups.has(sameName(rest)) ? [] : [{ path, message: `names a group ${rest} that there is not` }];
  };
  return [
    ...(wanted.groups ?? []).flatMap(({ members, managers }, index) => [
      ...members.flatMap((each, at) => who(`groups.${index}.members.${at}`, each)),
      ...managers.flatMap((each, at) => who(`groups.${index}.managers.${at}`, `user ${each}`)),
    ]),
    ...(wanted.assignments ?? []).flatMap((each, index) => [
      ...who(`assignments.${index}.who`, each.who),
      ...(roles.has(sameName(each.role))
        ? []
        : [{ path: `assignments.${index}.role`, message: `names a role ${each.role} that there is not` }]),
    ]),
    ...(wanted.templates ?? []).flatMap((template, index) => [
      ...(templates.has(groupKey(template))
        ? []
        : [{ path: `templates.${index}.name`, message: `names a template ${template.name} that there is not` }]),
      ...template.access.flatMap((each, at) => who(`templates.${index}.access.${at}.who`, each.who)),
    ]),
  ];
}
