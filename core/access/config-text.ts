import { stringify } from 'yaml';
import type { AccessConfig, Config, MemberConfig, Sections } from './config-file.ts';
import type { PolicyValues } from './policy.ts';
import { POLICY_FIELDS } from './policy-in-force.ts';
import { isInForce } from './template-acl.ts';

/** The file, always the same for the same rules: everything sorted by name, what says nothing left out. */
export function writeConfig(config: Sections): string {
  const { policy, roles, groups, assignments, templates } = canonical(config);
  const file = {
    version: 1,
    ...(policy && { policy }),
    ...(roles && { roles: roles.map(spare) }),
    ...(groups && { groups: groups.map((each) => spare({ ...each, members: each.members.map(short) })) }),
    ...(assignments && { assignments: assignments.map(spare) }),
    ...(templates && { templates: templates.map((each) => ({ ...each, ...(each.access && { access: each.access.map(spare) }) })) }),
  };
  return stringify(file, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Without what is the default anyway. */
const spare = (value: object) =>
  Object.fromEntries(
    Object.entries(value).filter(([, each]) => each !== null && each !== '' && !(Array.isArray(each) && each.length === 0)),
  );
const short = ({ who, expiresAt }: MemberConfig) => (expiresAt === null ? who : { who, expiresAt });

const by =
  <T>(key: (each: T) => string) =>
  (a: T, b: T): number => {
    const [one, other] = [key(a), key(b)];
    return one < other ? -1 : one > other ? 1 : 0;
  };

const ordered = (values: PolicyValues): PolicyValues =>
  Object.fromEntries(POLICY_FIELDS.flatMap((field) => (values[field] === undefined ? [] : [[field, values[field]]])));
const listed = (access: readonly AccessConfig[]) =>
  access.map(({ who, role, expiresAt }) => ({ who, role, expiresAt })).sort(by(({ who }) => who));

/** Sorted, with the keys of each thing in one order: equal rules are equal as JSON. */
export function canonical({ policy, roles, groups, assignments, templates }: Sections): Sections {
  return {
    ...(policy && { policy: ordered(policy) }),
    ...(roles && {
      roles: roles
        .map(({ name, description, permissions }) => ({ name, description, permissions: [...new Set(permissions)].sort() }))
        .sort(by(({ name }) => name)),
    }),
    ...(groups && {
      groups: groups
        .map(({ name, description, managers, members }) => ({
          ...{ name, description, managers: managers.toSorted() },
          members: members.map(({ who, expiresAt }) => ({ who, expiresAt })).sort(by(({ who }) => who)),
        }))
        .sort(by(({ name }) => name)),
    }),
    ...(assignments && {
      assignments: assignments.map(({ role, who, expiresAt }) => ({ role, who, expiresAt })).sort(by(({ role, who }) => `${role}\n${who}`)),
    }),
    ...(templates && {
      templates: templates
        .map(({ name, access, policy: own }) => ({ name, ...(access && { access: listed(access) }), ...(own && { policy: ordered(own) }) }))
        .sort(by(({ name }) => name)),
    }),
  };
}

/** Without what has ended: it gives nothing any more, and can't be given anew. */
export function inForceAt<T extends Sections | Config>(config: T, now: string): T {
  const lasting = <E extends { expiresAt: string | null }>(all: readonly E[]) => all.filter(({ expiresAt }) => isInForce(expiresAt, now));
  const { groups, assignments, templates } = config;
  return {
    ...config,
    ...(groups && { groups: groups.map((each) => ({ ...each, members: lasting(each.members) })) }),
    ...(assignments && { assignments: lasting(assignments) }),
    ...(templates && { templates: templates.map((each) => ({ ...each, ...(each.access && { access: lasting(each.access) }) })) }),
  };
}
