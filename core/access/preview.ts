import { ancestors, type GroupEdge } from './groups.ts';
import { PERMISSIONS, type Permission } from './permissions.ts';
import { connectAccess } from './workspace-access.ts';
import { effectiveTemplateRole, TEMPLATE_ROLES, type AclEntry, type TemplateRole } from './template-acl.ts';

/** A tenant-wide role in somebody's hands, in force. */
export interface HeldRole {
  role: string;
  subject: { type: 'user' | 'group'; id: string };
}

/** Who is in which group, what each template's list says, and who holds which role: at one moment. */
export interface World {
  /** groups in groups, by memberships in force */
  nesting: readonly GroupEdge[];
  /** by person, the groups that they are in themselves, by memberships in force */
  groupsOf: ReadonlyMap<string, readonly string[]>;
  /** by template */
  entries: ReadonlyMap<string, readonly AclEntry[]>;
  assignments: readonly HeldRole[];
  /** by role, what it may; `member` is everybody's, and one that is not here gives nothing */
  roles: ReadonlyMap<string, ReadonlySet<Permission>>;
}

/** One person's role on one template before and after; `templateId` is null for "administers every template". */
export interface AccessChange {
  userId: string;
  templateId: string | null;
  before: TemplateRole | null;
  after: TemplateRole | null;
}

/** What one person may then that they may not now, and the other way round, tenant-wide. */
export interface PermissionChange {
  userId: string;
  gained: Permission[];
  lost: Permission[];
}

export interface OpenConnection {
  id: string;
  userId: string;
  templateId: string;
  mine: boolean;
}

/** What changes for these people, tenant-wide and on these templates, and which of their open connections end. */
export function compareWorlds(
  before: World,
  after: World,
  among: { people: readonly string[]; templates: readonly string[]; connections: readonly OpenConnection[] },
  now: string,
): { changes: AccessChange[]; permissions: PermissionChange[]; ending: OpenConnection[] } {
  const [old, next] = [standingIn(before, now), standingIn(after, now)];
  const changes = among.people.flatMap((userId): AccessChange[] => {
    const [ruled, rules] = [old.administers(userId), next.administers(userId)];
    if (ruled && rules) return [];
    if (ruled !== rules) return [{ userId, templateId: null, before: ruled ? 'admin' : null, after: rules ? 'admin' : null }];
    return among.templates
      .map((templateId) => ({ userId, templateId, before: old.role(userId, templateId), after: next.role(userId, templateId) }))
      .filter((change) => change.before !== change.after);
  });
  const permissions = among.people.flatMap((userId): PermissionChange[] => {
    const [had, has] = [old.permissions(userId), next.permissions(userId)];
    const gained = ALL.filter((each) => has.has(each) && !had.has(each));
    const lost = ALL.filter((each) => had.has(each) && !has.has(each));
    return gained.length + lost.length === 0 ? [] : [{ userId, gained, lost }];
  });
  const ending = among.connections.filter(
    ({ userId, templateId, mine }) =>
      connectAccess(mine, old.role(userId, templateId)) !== null && connectAccess(mine, next.role(userId, templateId)) === null,
  );
  return { changes, permissions, ending };
}

const ALL = Object.keys(PERMISSIONS) as Permission[];

/** Whether a change gives more; false: less. */
export function gains({ before, after }: Pick<AccessChange, 'before' | 'after'>): boolean {
  const rank = (role: TemplateRole | null) => (role === null ? -1 : TEMPLATE_ROLES.indexOf(role));
  return rank(after) > rank(before);
}

/** What people are and may in one world. What people with the same groups have through them is made out once. */
function standingIn(world: World, now: string) {
  const closureOf = closures(world);
  const held = { user: new Map<string, string[]>(), group: new Map<string, string[]>() };
  for (const { role, subject } of world.assignments)
    held[subject.type].set(subject.id, [...(held[subject.type].get(subject.id) ?? []), role]);
  const byGroups = new Map<string, ReadonlySet<Permission>>();
  const roles = new Map<string, TemplateRole | null>();
  const mayOf = (names: readonly string[]) => new Set(names.flatMap((name) => [...(world.roles.get(name) ?? [])]));
  const permissions = (userId: string): ReadonlySet<Permission> => {
    const { key, groups } = closureOf(userId);
    const through = byGroups.get(key) ?? mayOf(['member', ...[...groups].flatMap((groupId) => held.group.get(groupId) ?? [])]);
    byGroups.set(key, through);
    const own = held.user.get(userId);
    return own === undefined ? through : new Set([...through, ...mayOf(own)]);
  };
  const administers = (userId: string) => permissions(userId).has('template:admin');
  return {
    permissions,
    administers,
    role(userId: string, templateId: string): TemplateRole | null {
      if (administers(userId)) return 'admin';
      const entries = world.entries.get(templateId) ?? [];
      const { key, groups } = closureOf(userId);
      const named = entries.some(({ subject }) => subject.type === 'user' && subject.id === userId);
      const memo = named ? `${templateId} ${userId}` : `${templateId}:${key}`;
      const known = roles.get(memo);
      if (known !== undefined) return known;
      const role = effectiveTemplateRole(entries, { userId, groups, adminOfAll: false }, now);
      roles.set(memo, role);
      return role;
    },
  };
}

/** All the groups that people are in, with a key that is the same for people with the same ones. */
function closures(world: Pick<World, 'nesting' | 'groupsOf'>): (userId: string) => { key: string; groups: ReadonlySet<string> } {
  const above = new Map<string, ReadonlySet<string>>();
  const known = new Map<string, ReadonlySet<string>>();
  const aboveOf = (groupId: string) => {
    const found = above.get(groupId) ?? ancestors(groupId, world.nesting);
    above.set(groupId, found);
    return found;
  };
  return (userId) => {
    const direct = world.groupsOf.get(userId) ?? [];
    const key = [...direct].sort().join(' ');
    const groups = known.get(key) ?? new Set(direct.flatMap((groupId) => [...aboveOf(groupId)]));
    known.set(key, groups);
    return { key, groups };
  };
}
