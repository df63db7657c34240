import {
  sameName,
  type AccessConfig,
  type AssignmentConfig,
  type Config,
  type ConfigFile,
  type GroupConfig,
  type MemberConfig,
  type RoleConfig,
} from './config-file.ts';
import { FIELDS, inWords, type PolicyValues } from './policy.ts';
import { POLICY_FIELDS, type PolicyField } from './policy-in-force.ts';

type PolicyValue = NonNullable<PolicyValues[PolicyField]>;

/** One step from what is to what a file wants. `template` of a policy: null for the organisation's own. */
export type Change = { words: string } & (
  | { kind: 'role.create' | 'role.update'; role: RoleConfig }
  | { kind: 'role.delete'; name: string }
  | { kind: 'group.create' | 'group.update'; name: string; description: string }
  | { kind: 'group.delete'; name: string }
  | { kind: 'member.add'; group: string; who: string; expiresAt: string | null }
  | { kind: 'member.remove'; group: string; who: string }
  | { kind: 'manager.add' | 'manager.remove'; group: string; who: string }
  | { kind: 'assignment.set'; assignment: AssignmentConfig }
  | { kind: 'assignment.remove'; role: string; who: string }
  | { kind: 'access.set'; template: string; access: AccessConfig }
  | { kind: 'access.remove'; template: string; who: string }
  | { kind: 'policy.set'; template: string | null; field: PolicyField; value: PolicyValue }
  | { kind: 'policy.unset'; template: string | null; field: PolicyField }
);

/**
 * Steps in the order in which they can be taken. What others need is made first. Groups leave groups before any join one, so that
 * groups that move never contain each other on the way, not even through one that goes. Everything else is given before it is
 * taken: an organisation that changes its owner has one at each moment.
 */
const ORDER: ReadonlyArray<ReadonlyArray<Change['kind'] | 'subgroup.remove'>> = [
  ['role.create'],
  ['role.update'],
  ['group.create'],
  ['group.update'],
  ['subgroup.remove'],
  ['group.delete'],
  ['member.add'],
  ['manager.add', 'manager.remove'],
  ['assignment.set'],
  ['access.set', 'access.remove'],
  ['policy.set', 'policy.unset'],
  ['member.remove'],
  ['assignment.remove'],
  ['role.delete'],
];

const rankOf = (change: Change): number => {
  const kind = change.kind === 'member.remove' && change.who.startsWith('group ') ? 'subgroup.remove' : change.kind;
  return ORDER.findIndex((kinds) => kinds.includes(kind));
};

/** What has to be done so that the organisation is as the file wants it; nothing where it is. */
export function planChanges(current: Config, wanted: ConfigFile): Change[] {
  const deleted = wanted.groups ? missingFrom(current.groups, wanted.groups, groupKey).map(groupKey) : [];
  const gone = new Set(deleted.map((key) => `group ${key}`));
  const changes = [
    ...(wanted.policy ? planPolicy(null, current.policy, wanted.policy) : []),
    ...(wanted.roles ? planRoles(current.roles, wanted.roles) : []),
    ...(wanted.groups ? planGroups(current.groups, wanted.groups, gone) : []),
    ...(wanted.assignments ? planAssignments(current.assignments, wanted.assignments, gone) : []),
    ...(wanted.templates ?? []).flatMap(({ name, access, policy }) => {
      const known = current.templates.find((each) => sameName(each.name) === sameName(name));
      return [
        ...(access ? planAccess(name, known?.access ?? [], access, gone) : []),
        ...(policy ? planPolicy(name, known?.policy ?? {}, policy) : []),
      ];
    }),
  ];
  return changes.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function planPolicy(template: string | null, before: PolicyValues, after: PolicyValues): Change[] {
  const of = template === null ? 'of the organisation' : `of the template ${template}`;
  return POLICY_FIELDS.flatMap((field): Change[] => {
    const value = after[field];
    const label = FIELDS[field].label.toLowerCase();
    if (JSON.stringify(value) === JSON.stringify(before[field])) return [];
    if (value === undefined) return [{ kind: 'policy.unset', template, field, words: `Set ${label} ${of} no more` }];
    return [{ kind: 'policy.set', template, field, value, words: `Set ${label} ${of} to ${valueWords(field, value)}` }];
  });
}

const listed = (all: readonly string[]) => (all.length === 0 ? 'none' : all.join(', '));

/** Every network, host and repository is named: who reads a plan decides by them. */
const valueWords = (field: PolicyField, value: PolicyValue): string => {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value === 'object') return `fetch ${listed(value.fetch)}; push ${listed(value.push)}`;
  const words = inWords(field, value);
  return words.charAt(0).toLowerCase() + words.slice(1);
};

const groupKey = ({ name }: { name: string }) => sameName(name);
const missingFrom = <T>(before: readonly T[], after: readonly T[], key: (each: T) => string): T[] => {
  const kept = new Set(after.map(key));
  return before.filter((each) => !kept.has(key(each)));
};
/** " until 2026-06-01 12:00 UTC"; seconds only where there are some. */
const until = (expiresAt: string | null) =>
  expiresAt === null ? '' : ` until ${expiresAt.slice(0, expiresAt.endsWith(':00.000Z') ? 16 : 19).replace('T', ' ')} UTC`;

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
      ...planManagers(group, known?.managers ?? [], group.managers),
      ...planMembers(group, known?.members ?? [], group.members, gone),
    ];
  });
  const removed = missingFrom(before, after, groupKey).map(({ name }): Change => ({
    kind: 'group.delete',
    name,
    words: `Delete the group ${name}, with all that it was given`,
  }));
  return [...kept, ...removed];
}

function planManagers({ name: group }: GroupConfig, before: readonly string[], after: readonly string[]): Change[] {
  return [
    ...missingFrom(before, after, sameName).map((who): Change => ({
      ...{ kind: 'manager.remove', group, who, words: `Let ${who} manage the group ${group} no more` },
    })),
    ...missingFrom(after, before, sameName).map((who): Change => ({
      ...{ kind: 'manager.add', group, who, words: `Let ${who} manage the group ${group}` },
    })),
  ];
}

const whoKey = ({ who }: { who: string }) => sameName(who);

/** A group that is deleted leaves every other by that. */
function planMembers(
  { name: group }: GroupConfig,
  before: readonly MemberConfig[],
  after: readonly MemberConfig[],
  gone: ReadonlySet<string>,
): Change[] {
  const old = new Map(before.map((each) => [whoKey(each), each.expiresAt]));
  return [
    ...missingFrom(before, after, whoKey)
      .filter((each) => !gone.has(whoKey(each)))
      .map(({ who }): Change => ({ kind: 'member.remove', group, who, words: `Remove ${who} from the group ${group}` })),
    ...after
      .filter((each) => old.get(whoKey(each)) !== each.expiresAt)
      .map(({ who, expiresAt }): Change => ({
        ...{ kind: 'member.add', group, who, expiresAt },
        words: old.has(whoKey({ who }))
          ? `Keep ${who} in the group ${group}${until(expiresAt) || ' for good'}`
          : `Add ${who} to the group ${group}${until(expiresAt)}`,
      })),
  ];
}

const assignmentKey = ({ role, who }: AssignmentConfig) => sameName(`${role}\n${who}`);

function planAssignments(before: readonly AssignmentConfig[], after: readonly AssignmentConfig[], gone: ReadonlySet<string>): Change[] {
  const old = new Map(before.map((each) => [assignmentKey(each), each]));
  return [
    ...missingFrom(before, after, assignmentKey)
      .filter((each) => !gone.has(whoKey(each)))
      .map(({ role, who }): Change => ({ kind: 'assignment.remove', role, who, words: `Take the role ${role} from ${who}` })),
    ...after
      .filter((each) => old.get(assignmentKey(each))?.expiresAt !== each.expiresAt)
      .map((assignment): Change => ({
        kind: 'assignment.set',
        assignment,
        words: `Give ${assignment.who} the role ${assignment.role}${until(assignment.expiresAt)}`,
      })),
  ];
}

function planAccess(
  template: string,
  before: readonly AccessConfig[],
  after: readonly AccessConfig[],
  gone: ReadonlySet<string>,
): Change[] {
  const old = new Map(before.map((each) => [whoKey(each), each]));
  return [
    ...missingFrom(before, after, whoKey)
      .filter((each) => !gone.has(whoKey(each)))
      .map(({ who }): Change => ({ kind: 'access.remove', template, who, words: `Take the template ${template} from ${who}` })),
    ...after
      .filter((each) => old.get(whoKey(each))?.role !== each.role || old.get(whoKey(each))?.expiresAt !== each.expiresAt)
      .map((access): Change => ({
        kind: 'access.set',
        template,
        access,
        words: `Let ${access.who} ${ROLE_WORDS[access.role]} the template ${template}${until(access.expiresAt)}`,
      })),
  ];
}
const ROLE_WORDS = { view: 'see', use: 'use', admin: 'administer' } as const;
