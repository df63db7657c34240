import { Chance } from '../../support/chance.ts';
import type { Permission } from '../../../core/access/permissions.ts';
import type { RoleAssignment } from '../../../core/access/rules.ts';
import { TEMPLATE_ROLES, type AclEntry, type Membership, type TemplateRole } from '../../../core/access/template-acl.ts';

/** How large the organisation is. */
export interface Size {
  users: number;
  groups: number;
  templates: number;
}
export const WHOLE: Size = { users: 10_000, groups: 500, templates: 1_000 };

const FLOORS = 5;
const GROUPS_A_USER = 20;
const ENTRIES_A_TEMPLATE = 50;
const ROLES = 13;
const PERMISSIONS = 40;

export const NOW = '2026-06-01T12:00:00.000Z';
const EXPIRED = '2026-06-01T11:00:00.000Z';
const LATER = '2026-06-01T20:00:00.000Z';

/** What an engine is asked: one template and one permission. */
export interface Question {
  userId: string;
  templateId: string;
  needed: TemplateRole;
  permission: Permission;
}

export interface Organisation {
  users: string[];
  groups: string[];
  templates: string[];
  memberships: Membership[];
  roles: Map<string, ReadonlySet<Permission>>;
  assignments: RoleAssignment[];
  entries: Map<string, AclEntry[]>;
}

/** The forty things that somebody may: one of them is to administer all templates. */
export const ALL_PERMISSIONS = Array.from(
  { length: PERMISSIONS },
  (_, index) => (index === 0 ? 'template:admin' : `thing:do-${index}`) as Permission,
);

/**
 * An organisation by a seed: groups nested five deep, each person in twenty, lists of fifty entries, of which nine in ten name
 * people. One role in thirteen administers all templates, and few have it.
 */
export function makeOrganisation(size: Size, seed: number): Organisation {
  const chance = new Chance(seed);
  const named = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${prefix}_${String(index).padStart(5, '0')}`);
  const [users, groups, templates] = [named('usr', size.users), named('grp', size.groups), named('tpl', size.templates)];
  const roleNames = ['member', ...named('rol', ROLES - 1)];
  const roles = new Map(
    roleNames.map((role, index) => {
      const own = ALL_PERMISSIONS.slice(1).filter(() => chance.oneIn(4));
      return [role, new Set<Permission>(index === 1 ? ['template:admin', ...own] : own)] as const;
    }),
  );
  const expiresAt = () => (chance.oneIn(10) ? chance.pick([EXPIRED, NOW, LATER]) : null);
  const assignments = named('ras', size.groups / 5).map((_, index): RoleAssignment => {
    const type = index % 2 === 0 ? 'group' : 'user';
    return {
      role: chance.pick(roleNames.slice(2)),
      subject: { type, id: chance.pick(type === 'group' ? groups : users) },
      expiresAt: expiresAt(),
    };
  });
  assignments.push({ role: roleNames[1] ?? '', subject: { type: 'group', id: chance.pick(groups.slice(-20)) }, expiresAt: null });
  return {
    ...{ users, groups, templates, roles, assignments },
    memberships: [...nesting(groups, chance), ...users.flatMap((user) => placesOf(user, groups, chance))],
    entries: new Map(templates.map((template) => [template, entriesOf(users, groups, chance, expiresAt)])),
  };
}

/** Each group stands on a floor, and is a member of one or two of the floor above. */
function nesting(groups: string[], chance: Chance): Membership[] {
  const floor = Math.ceil(groups.length / FLOORS);
  return groups.slice(0, -floor).flatMap((memberId, index) => {
    const above = groups.slice((Math.floor(index / floor) + 1) * floor, (Math.floor(index / floor) + 2) * floor);
    const parents = new Set([chance.pick(above), ...(chance.oneIn(2) ? [chance.pick(above)] : [])]);
    return [...parents].map((groupId): Membership => ({ groupId, memberType: 'group', memberId, expiresAt: null }));
  });
}

function placesOf(memberId: string, groups: string[], chance: Chance): Membership[] {
  const own = new Set<string>();
  while (own.size < Math.min(GROUPS_A_USER, groups.length)) own.add(chance.pick(groups));
  return [...own].map((groupId): Membership => ({ groupId, memberType: 'user', memberId, expiresAt: null }));
}

function entriesOf(users: string[], groups: string[], chance: Chance, expiresAt: () => string | null): AclEntry[] {
  const subjects = new Map<string, AclEntry['subject']>();
  while (subjects.size < ENTRIES_A_TEMPLATE) {
    const subject = chance.oneIn(10)
      ? ({ type: 'group', id: chance.pick(groups) } as const)
      : ({ type: 'user', id: chance.pick(users) } as const);
    subjects.set(subject.id, subject);
  }
  return [...subjects.values()].map((subject) => ({ subject, role: chance.pick(TEMPLATE_ROLES), expiresAt: expiresAt() }));
}

/** Half of them name somebody whom the template's list names. */
export function makeQuestions(count: number, { users, templates, entries }: Organisation, seed: number): Question[] {
  const chance = new Chance(seed);
  return Array.from({ length: count }, () => {
    const templateId = chance.pick(templates);
    const listed = (entries.get(templateId) ?? []).flatMap(({ subject }) => (subject.type === 'user' ? [subject.id] : []));
    const userId = chance.oneIn(2) && listed.length > 0 ? chance.pick(listed) : chance.pick(users);
    return { userId, templateId, needed: chance.pick(TEMPLATE_ROLES), permission: chance.pick(ALL_PERMISSIONS) };
  });
}
